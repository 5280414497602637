import { existsSync, readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { dateArgument } from '../../client/arguments.ts';
import { parseDuration } from '../../domain/durations.ts';
import { messageOf } from '../../domain/text.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import { type Fault, parseFaults } from './faults.ts';
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
  faults: Fault[];
  quiet: boolean;
}

const FAULT_HELP = `
Faults: a JSON list, or a file that holds one. A request meets the first fault that matches it and is not used up;
dev/sample-api/faults.ts describes them all.
  --faults '[{"on":"storage","do":"status","status":503,"retryAfter":1,"times":2}]'
  --faults '[{"on":"get_increment","do":"missing-files","files":["customer_research_inc"],"times":-1}]'`;

/** The command line, checked; a CommanderError is thrown for --help and for wrong usage. */
export function parseOptions(argv: readonly string[]): Options {
  const command = new Command('sample-api')
    .description(
      'A sample report API and its object storage, on two ports of 127.0.0.1. It serves generated increments for\n' +
        'every date, or the files of a directory, with faults on request.',
    )
    .option('--port <n>', 'port of the API (0: any free one)', port, 0)
    .option('--storage-port <n>', 'port of the storage (0: any free one)', port, 0)
    .addOption(
      new Option(
        '--data <dir>',
        'serve dir/report/*.csv and dir/increment/<date>/*.csv, read anew for every request',
      ).conflicts(['orders', 'statusFrom']),
    )
    .option('--orders <n>', 'distinct orders of a generated day; about 6.8 rows each', count, DEFAULT_ORDERS)
    .option(
      '--status-from <date>',
      'first date with a status column and refunds',
      dateArgument,
      DEFAULT_STATUS_FROM,
    )
    .option(
      '--earliest <date>',
      `NOT FOUND before this date (generated data: ${DEFAULT_EARLIEST}, after a report of 23 days)`,
      dateArgument,
    )
    .option('--polls <n>', 'number of get_report calls answered RUNNING', count, 1)
    .option('--ready-after <duration>', 'shortest time that a report is RUNNING, e.g. 30s', duration, 0)
    .addOption(credential('--api-key <key>', 'the X-API-KEY to accept', 'REPORT_API_KEY'))
    .addOption(credential('--nickname <name>', 'the X-Nickname to accept', 'REPORT_API_NICKNAME'))
    .addOption(credential('--cohort <name>', 'the X-Cohort to accept', 'REPORT_API_COHORT'))
    .option('--faults <json>', 'faults, see below', faults, [])
    .option('--quiet', 'no line per request', false)
    .addHelpText('after', FAULT_HELP)
    .configureHelp({ helpWidth: 110 })
    .allowExcessArguments(false)
    .exitOverride();
  return command.parse(argv, { from: 'user' }).opts<Options>();
}

/** An empty variable, as left in a copied .env file, means that it is not set. */
function credential(flags: string, description: string, variable: keyof typeof SAMPLE_CREDENTIALS): Option {
  const fallback = SAMPLE_CREDENTIALS[variable];
  return new Option(flags, description).default(
    process.env[variable] || fallback,
    `${variable}, or ${fallback}`,
  );
}

function port(text: string): number {
  const number = count(text);
  if (number > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return number;
}

function count(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration like 500ms, 2s, 10m or 1h.');
  return ms;
}

function faults(text: string): Fault[] {
  try {
    return parseFaults(JSON.parse(existsSync(text) ? readFileSync(text, 'utf8') : text));
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
