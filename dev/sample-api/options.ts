import { Command, InvalidArgumentError, Option } from 'commander';
import { isDate } from './calendar.ts';
import { milliseconds } from './duration.ts';
import { FAULT_HELP, parseFault } from './fault-spec.ts';
import { type Fault, Faults } from './faults.ts';
import { DEFAULT_ORDERS, DEFAULT_STATUS_FROM } from './generate-increment.ts';
import { DEFAULT_EARLIEST } from './generated-source.ts';

export interface Options {
  port: number;
  storagePort: number;
  data?: string;
  orders: number;
  statusFrom: string;
  earliest?: string;
  polls: number;
  readyAfter: number;
  apiKey: string;
  nickname: string;
  cohort: string;
  fault: Fault[];
  quiet: boolean;
}

/** The command line as commander describes and checks it; a CommanderError is thrown for --help and for wrong usage. */
export function parseOptions(argv: readonly string[]): Options {
  const command = new Command('sample-api')
    .description(
      'A sample report API and its object storage, on two ports of 127.0.0.1. It serves generated increments for\n' +
        'every date, or the files of a directory, and misbehaves on request.',
    )
    .addOption(new Option('--port <n>', 'port of the API (0: any free one)').argParser(port).default(0))
    .addOption(
      new Option('--storage-port <n>', 'port of the storage (0: any free one)').argParser(port).default(0),
    )
    .addOption(
      new Option(
        '--data <dir>',
        'serve dir/report/*.csv and dir/increment/<date>/*.csv, read anew for every request',
      ).conflicts(['orders', 'statusFrom']),
    )
    .addOption(
      new Option('--orders <n>', 'distinct orders of a generated day; about 6.8 rows each')
        .argParser(count)
        .default(DEFAULT_ORDERS),
    )
    .addOption(
      new Option('--status-from <date>', 'first generated date with a status column and refunds')
        .argParser(date)
        .default(DEFAULT_STATUS_FROM),
    )
    .addOption(
      new Option(
        '--earliest <date>',
        `NOT FOUND before this date (default for generated data: ${DEFAULT_EARLIEST}, after a report of 23 days)`,
      ).argParser(date),
    )
    .addOption(new Option('--polls <n>', 'get_report answers RUNNING so often').argParser(count).default(1))
    .addOption(
      new Option('--ready-after <duration>', 'and for so long at least, e.g. 30s')
        .argParser(duration)
        .default(0, '0s'),
    )
    .addOption(
      credential('--api-key <key>', 'the only X-API-KEY that is let in', 'REPORT_API_KEY', 'sample-key'),
    )
    .addOption(credential('--nickname <name>', 'the only X-Nickname', 'REPORT_API_NICKNAME', 'sample'))
    .addOption(credential('--cohort <name>', 'the only X-Cohort', 'REPORT_API_COHORT', '1'))
    .addOption(
      new Option('--fault <spec>', 'misbehave, see below (repeatable)').argParser(fault).default([], 'none'),
    )
    .addOption(new Option('--quiet', 'no line per request').default(false, 'a line per request'))
    .addHelpText('after', FAULT_HELP)
    .configureHelp({ helpWidth: 110 })
    .allowExcessArguments(false)
    .exitOverride();
  return command.parse(argv, { from: 'user' }).opts<Options>();
}

function credential(flags: string, description: string, variable: string, fallback: string): Option {
  const option = new Option(flags, description).default(fallback);
  // An empty variable, as left in a copied .env file, means that it is not set.
  return process.env[variable] === '' ? option : option.env(variable);
}

function port(text: string): number {
  const number = count(text);
  if (number > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return number;
}

function count(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0 up.');
  return Number(text);
}

function date(text: string): string {
  if (!isDate(text)) throw new InvalidArgumentError('It must be a date written YYYY-MM-DD.');
  return text;
}

function duration(text: string): number {
  const ms = milliseconds(text);
  if (ms === null) throw new InvalidArgumentError('It must be a duration like 500ms, 2s, 10m or 1h.');
  return ms;
}

function fault(spec: string, previous: Fault[]): Fault[] {
  try {
    const parsed = parseFault(spec);
    new Faults().add(parsed); // a kind that does not go with its target is refused here, not when the server starts
    return [...previous, parsed];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
}
