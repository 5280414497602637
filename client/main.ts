import { Command, CommanderError } from 'commander';
import { loadEnvFile } from '../runtime/env-file.ts';
import { SettingsError } from '../runtime/settings.ts';
import { loadDateOfRun } from '../domain/due-days.ts';
import { stopTracing } from '../runtime/tracing/start.ts';
import { backfill, type BackfillOptions } from './commands/backfill.ts';
import { bootstrap } from './commands/bootstrap.ts';
import { migrate } from './commands/migrate.ts';
import { report as salesReport, type ReportOptions } from './commands/report.ts';
import { run } from './commands/run.ts';
import * as schedule from './commands/schedule.ts';
import { registerSearchAttributes } from './commands/search-attributes.ts';
import { status, type StatusOptions } from './commands/status.ts';
import { countArgument, dateArgument, fileArgument } from './arguments.ts';
import { dailySchedule } from './schedule.ts';
import { CommandFailed, Output } from './output.ts';

const JSON_OPTION = ['--json', 'print one JSON document, and nothing else, on standard output'] as const;

interface Json {
  json?: boolean;
}

/** All commands: `npm run client -- <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings. */
function program(): Command {
  const root = new Command('client')
    .description("Starts, steers and inspects the loading of the shop's daily sales increment.")
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  const command = (name: string, description: string) =>
    root
      .command(name)
      .description(description)
      .option(...JSON_OPTION);

  command('migrate', 'bring the database schema to the newest version; safe to repeat').action(
    (options: Json) => migrate(outputOf(options)),
  );
  command('run', 'load one day, wait for it, and print what was loaded')
    .option('--date <YYYY-MM-DD>', 'the day (default: the one that the schedule would take)', dateArgument)
    .option('--file <NAME>', 'only this file of the day, to stage it again; repeatable', fileArgument)
    .action((options: Json & { date?: string; file?: string[] }) =>
      run(options.date ?? scheduledDate(), options.file, outputOf(options)),
    );
  command('backfill', 'load every day of a range; joins the backfill of the same range that is running')
    .requiredOption('--from <YYYY-MM-DD>', 'first day', dateArgument)
    .requiredOption('--to <YYYY-MM-DD>', 'last day, included', dateArgument)
    .option(
      '--concurrency <N>',
      'days side by side (default: 4); changes that of a running backfill',
      countArgument,
    )
    .option('--only-missing', 'leave out the days that are loaded already')
    .option('--pause', 'let the running backfill of this range begin no further day')
    .option('--resume', 'let it go on')
    .option('--cancel', 'stop it cleanly')
    .action((options: Json & BackfillOptions) => backfill(options, outputOf(options)));
  command('bootstrap', 'load the full report as history; every increment is newer than it').action(
    (options: Json) => bootstrap(outputOf(options)),
  );
  addSchedule(root);
  command('status', 'what is loaded, missing or failed, per day')
    .option('--from <YYYY-MM-DD>', 'first day (default: the first one known)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: yesterday)', dateArgument)
    .option('--calendar', 'one line a month instead of one a day')
    .option('--fail-on-gap', 'end with 1 when a day is missing, failed or stale')
    .action((options: Json & StatusOptions) => status(options, outputOf(options)));
  command('report', 'one self-contained page about the sales and the days loaded, from the mart')
    .option('--out <FILE.html>', 'where to write it (default: ./sales-report.html)')
    .option('--from <YYYY-MM-DD>', 'first day (default: the newest 12 weeks that have sales)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: the newest one known)', dateArgument)
    .action((options: Json & ReportOptions) => salesReport(options, outputOf(options)));
  command(
    'search-attributes',
    "register the custom search attributes in Temporal's namespace; safe to repeat",
  ).action((options: Json) => registerSearchAttributes(outputOf(options)));
  return root;
}

function addSchedule(root: Command): void {
  const group = root
    .command('schedule')
    .description('the daily schedule: apply, show, pause, resume, trigger, delete');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option(...JSON_OPTION);
  command('apply', 'create the schedule, or bring it to what the settings say; a paused one stays paused')
    .option('--paused', 'create it paused')
    .action((options: Json & { paused?: boolean }) => schedule.apply(options, outputOf(options)));
  command('show', 'next and last runs, missed ones, policies').action((options: Json) =>
    schedule.show(outputOf(options)),
  );
  command('pause', 'start no further runs')
    .option('--note <TEXT>', 'why')
    .action((options: Json & { note?: string }) => schedule.setPaused(true, options.note, outputOf(options)));
  command('resume', 'go on after a pause')
    .option('--note <TEXT>', 'why')
    .action((options: Json & { note?: string }) =>
      schedule.setPaused(false, options.note, outputOf(options)),
    );
  command('trigger', 'run it now')
    .option('--date <YYYY-MM-DD>', 'for this day', dateArgument)
    .action((options: Json & { date?: string }) => schedule.trigger(options.date, outputOf(options)));
  command('delete', 'remove the schedule; runs that are going on go on').action((options: Json) =>
    schedule.remove(outputOf(options)),
  );
}

/** The day that a run of the schedule would load if it were due now. */
function scheduledDate(): string {
  return loadDateOfRun(dailySchedule(process.env), new Date());
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
  if (error instanceof CommanderError && error.code === 'commander.help')
    return new CommandFailed('Expected a command.', 2);
  if (error instanceof CommanderError)
    return new CommandFailed(`${message.replace(/^error: /, '')} See --help.`, 2);
  return new CommandFailed(message);
}

// Whoever reads the output may have seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

loadEnvFile();
const root = program();
root
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = report(error, process.argv.includes('--json'));
  })
  .finally(stopTracing);
