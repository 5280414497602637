import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { dateArgument } from '../../client/arguments.ts';

export interface StackOptions {
  once: boolean;
  /** A directory of real files. */
  data?: string;
  date?: string;
  orders?: number;
  /** Where databases and logs are kept between starts. */
  state: string;
}

/** Reads the command line; prints help or an error and ends the process where there is nothing to run. */
export function parseStackOptions(): StackOptions {
  return new Command('./temporal-dev.sh')
    .description(
      'Starts everything for development (Temporal dev server with UI, PostgreSQL, sample report API, worker), ' +
        'loads one day, shows the result and stays up until Ctrl-C.',
    )
    .option('--once', 'end with 0 after the run', false)
    .option('--data <DIR>', 'serve real files: DIR/report/*.csv and DIR/increment/<date>/*.csv', directory)
    .option(
      '--date <YYYY-MM-DD>',
      'the day to load (default: yesterday; with --data the newest one there)',
      dateArgument,
    )
    .option('--orders <N>', 'orders a day in the generated sample data', positive)
    .option('--state <DIR>', 'where databases, files and logs are kept', 'var/dev')
    .addHelpText(
      'after',
      `
Environment: TEMPORAL_CLI names the temporal binary to use; DATABASE_URL an existing PostgreSQL server instead of
its own; the project's settings (REPORT_POLL_INTERVAL, …) reach the worker and the client.`,
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse()
    .opts();
}

function directory(text: string): string {
  const resolved = path.resolve(text);
  if (existsSync(path.join(resolved, 'increment'))) return resolved;
  throw new InvalidArgumentError(`${resolved} has no folder "increment".`);
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('Expected a whole number, 1 or more.');
}
