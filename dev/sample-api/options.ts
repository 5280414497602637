import { Command, InvalidArgumentError, Option } from 'commander';
import { LOCALHOST } from '../services/ports.ts';
import { DEFAULT_ORDERS } from './generate-increment.ts';

export interface Options {
  host: string;
  port: number;
  storagePort: number;
  data?: string;
  orders: number;
  polls: number;
}

/** The command line, checked; a CommanderError is thrown for --help and for wrong usage. */
export function parseOptions(argv: readonly string[]): Options {
  return new Command('sample-api')
    .description(
      'A sample report API and its object storage, on two ports. It serves generated increments for every date, or\n' +
        'the files of a directory.',
    )
    .option('--host <name>', 'name that it is reached by, on every address of the machine', LOCALHOST)
    .option('--port <n>', 'port of the API (0: any free one)', count, 0)
    .option('--storage-port <n>', 'port of the storage (0: any free one)', count, 0)
    .addOption(
      new Option(
        '--data <dir>',
        'serve dir/report/*.csv and dir/increment/<date>/*.csv, read anew for every request',
      ).conflicts('orders'),
    )
    .option('--orders <n>', 'distinct orders of a generated day; about 6.8 rows each', count, DEFAULT_ORDERS)
    .option('--polls <n>', 'number of get_report calls answered RUNNING', count, 1)
    .allowExcessArguments(false)
    .exitOverride()
    .parse(argv, { from: 'user' })
    .opts<Options>();
}

function count(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}
