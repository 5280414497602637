import { Command, CommanderError } from 'commander';
import { loadEnvFile } from '../config/env-file.ts';
import { SettingsError } from '../config/settings.ts';
import { addDays, dayOf } from '../shared/load-date.ts';
import { migrate } from './commands/migrate.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import { dateArgument } from './dates.ts';
import { CommandFailed, Output } from './output.ts';

interface Json {
  json?: boolean;
}

/** All commands: `npm run client -- <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings. */
function program(): Command {
  const root = new Command('client')
    .description("Starts, steers and inspects the loading of the shop's daily sales increment.")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const command = (name: string, description: string) =>
    root
      .command(name)
      .description(description)
      .option('--json', 'print one JSON document, and nothing else, on standard output');

  command('migrate', 'bring the database schema to the newest version; safe to repeat').action(
    (options: Json) => migrate(outputOf(options)),
  );
  command('run', 'load one day, wait for it, and print what was loaded')
    .option('--date <YYYY-MM-DD>', 'the day (default: yesterday)', dateArgument)
    .action((options: Json & { date?: string }) =>
      run(options.date ?? addDays(dayOf(new Date(), 'UTC'), -1), outputOf(options)),
    );
  command('status', 'what is loaded, missing or failed, per day')
    .option('--from <YYYY-MM-DD>', 'first day (default: the first one known)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: yesterday)', dateArgument)
    .action((options: Json & { from?: string; to?: string }) => status(options, outputOf(options)));
  return root;
}

function outputOf({ json }: Json): Output {
  return new Output(json ?? false);
}

/** Prints the error for a person, and with --json its document as well; returns the exit code. */
function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const failed = asCommandFailed(error);
  process.stderr.write(`${failed.message}\n`);
  if (json) process.stdout.write(`${JSON.stringify(failed.document, null, 2)}\n`);
  return failed.exitCode;
}

function asCommandFailed(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  if (error instanceof SettingsError)
    return new CommandFailed(error.message, 2, { error: error.message, faults: error.faults });
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CommanderError)
    return new CommandFailed(`${message.replace(/^error: /, '')} See --help.`, 2);
  return new CommandFailed(message);
}

loadEnvFile();
const root = program();
root.parseAsync().catch((error: unknown) => {
  process.exitCode = report(error, process.argv.includes('--json'));
});
