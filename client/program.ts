import { Command, CommanderError, Option } from 'commander';
import { SettingsError } from '../runtime/settings.ts';
import { messageOf, plainLines } from '../domain/text.ts';
import { loadDateOfRun } from '../domain/due-days.ts';
import type { BackfillOptions } from './commands/backfill.ts';
import type { ReportOptions } from './commands/report.ts';
import type { StatusOptions } from './commands/status.ts';
import type { VerifyOptions } from './commands/verify.ts';
import {
  countArgument,
  customerArgument,
  dateArgument,
  DEFAULT_CONCURRENCY,
  fileArgument,
  textArgument,
} from './arguments.ts';
import { dailySchedule } from '../runtime/daily-schedule.ts';
import { CommandFailed, Output } from './output.ts';

const JSON_OPTION = ['--json', 'print one JSON document, and nothing else, on standard output'] as const;

interface Json {
  json?: boolean;
}

/**
 * All commands: `npm run client -- <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings. Commands are
 * imported lazily, which keeps `--help` quick.
 */
export function program(): Command {
  const root = new Command('client')
    .description("Loads the shop's daily sales increment, controls its schedule, and shows what is loaded.")
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  const command = (name: string, description: string) =>
    root
      .command(name)
      .description(description)
      .option(...JSON_OPTION);

  command('migrate', 'migrate the database schema to the newest version; safe to repeat')
    .option('--worker-role <NAME>', 'grant this role what a worker needs', textArgument)
    .option('--analyst-role <NAME>', 'grant this role read access to the mart', textArgument)
    .option('--distribute', 'distribute orders and facts over the nodes of a Citus cluster', false)
    .action(async (options: Json & { workerRole?: string; analystRole?: string; distribute: boolean }) => {
      const { workerRole: worker, analystRole: analyst, distribute: distributed } = options;
      const { migrate } = await import('./commands/migrate.ts');
      await migrate({ worker, analyst, distributed }, outputOf(options));
    });
  command('run', 'load one day, wait, and print what was loaded; joins a run of that day in progress')
    .option('--date <YYYY-MM-DD>', 'the day (default: the one the schedule would load now)', dateArgument)
    .option('--file <NAME>', 'only this file of the day, e.g. to load it again; repeatable', fileArgument)
    .action(async (options: Json & { date?: string; file?: string[] }) => {
      const date = options.date ?? scheduledDate();
      await (await import('./commands/run.ts')).run(date, options.file, outputOf(options));
    });
  command('backfill', 'load every day of a range; joins a backfill of the same range in progress')
    .requiredOption('--from <YYYY-MM-DD>', 'first day', dateArgument)
    .requiredOption('--to <YYYY-MM-DD>', 'last day (inclusive)', dateArgument)
    .option(
      '--concurrency <N>',
      `days loaded in parallel (default: ${DEFAULT_CONCURRENCY}); also changes a backfill in progress`,
      countArgument,
    )
    .option('--only-missing', 'skip days that are loaded or known to have no increment')
    .addOption(
      new Option('--pause', 'pause the backfill of this range: no more days start').conflicts([
        'resume',
        'cancel',
      ]),
    )
    .addOption(new Option('--resume', 'resume it').conflicts('cancel'))
    .option('--cancel', 'cancel it; days in progress stop cleanly')
    .action(async (options: Json & BackfillOptions) =>
      (await import('./commands/backfill.ts')).backfill(options, outputOf(options)),
    );
  command('bootstrap', 'load the full report as history, which never replaces an increment').action(
    async (options: Json) => (await import('./commands/bootstrap.ts')).bootstrap(outputOf(options)),
  );
  addSchedule(root);
  command('status', 'show which days are loaded, missing or failed (at most 20 years)')
    .option('--from <YYYY-MM-DD>', 'first day (default: the first known one)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: the newest that is known or due)', dateArgument)
    .option('--calendar', 'one line per month instead of one per day')
    .option('--fail-on-gap', 'exit with 1 when a due day is missing, failed or stale')
    .action(async (options: Json & StatusOptions) =>
      (await import('./commands/status.ts')).status(options, outputOf(options)),
    );
  command('report', 'write a self-contained HTML report of sales and loaded days (at most 20 years)')
    .option('--out <FILE.html>', 'where to write it (default: ./sales-report.html)', textArgument)
    .option('--from <YYYY-MM-DD>', 'first day (default: the newest 12 weeks with sales)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: the newest known one)', dateArgument)
    .addOption(
      new Option('--language <LANGUAGE>', 'language of the page').choices(['en', 'ru']).default('en'),
    )
    .action(async (options: Json & ReportOptions) =>
      (await import('./commands/report.ts')).report(options, outputOf(options)),
    );
  command('forget', 'remove the names of customers from database and landing directories, for good')
    .requiredOption('--customer <ID>', 'id of the customer; repeatable', customerArgument)
    .action(async (options: Json & { customer: string[] }) =>
      (await import('./commands/forget.ts')).forget(options.customer, outputOf(options)),
    );
  command('verify', 'compare the mart with what staging says it must hold')
    .option('--from <YYYY-MM-DD>', 'first load date (default: all)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last load date (default: all)', dateArgument)
    .option('--repair', 'mend what differs')
    .action(async ({ json, ...options }: Json & VerifyOptions) =>
      (await import('./commands/verify.ts')).verify(options, new Output(json ?? false)),
    );
  command(
    'search-attributes',
    "register the custom search attributes in Temporal's namespace; safe to repeat",
  ).action(async (options: Json) =>
    (await import('./commands/search-attributes.ts')).registerSearchAttributes(outputOf(options)),
  );
  return root;
}

function addSchedule(root: Command): void {
  const schedule = () => import('./commands/schedule.ts');
  const group = root
    .command('schedule')
    .description('the daily schedule: apply, show, pause, resume, trigger, delete');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option(...JSON_OPTION);
  command('apply', 'create the schedule, or update it to the settings; a paused one stays paused')
    .option('--paused', 'create it paused')
    .action(async (options: Json & { paused?: boolean }) =>
      (await schedule()).apply(options, outputOf(options)),
    );
  command('show', 'show next and recent runs, policies, and days that are due but not loaded').action(
    async (options: Json) => (await schedule()).show(outputOf(options)),
  );
  command('pause', 'pause the schedule: no more runs start')
    .option('--note <TEXT>', 'the reason', textArgument)
    .action(async (options: Json & { note?: string }) =>
      (await schedule()).setPaused(true, options.note, outputOf(options)),
    );
  command('resume', 'resume the schedule')
    .option('--note <TEXT>', 'the reason', textArgument)
    .action(async (options: Json & { note?: string }) =>
      (await schedule()).setPaused(false, options.note, outputOf(options)),
    );
  command('trigger', 'start a run now')
    .option(
      '--date <YYYY-MM-DD>',
      'for this day (default: the one the schedule would load now)',
      dateArgument,
    )
    .action(async (options: Json & { date?: string }) =>
      (await schedule()).trigger(options.date, outputOf(options)),
    );
  command('delete', 'delete the schedule; runs in progress continue').action(async (options: Json) =>
    (await schedule()).remove(outputOf(options)),
  );
}

/** The day that the schedule would load now. */
function scheduledDate(): string {
  return loadDateOfRun(dailySchedule(process.env), new Date());
}

function outputOf({ json }: Json): Output {
  return new Output(json ?? false);
}

/** Prints the error of a command, or of its line, with --json also its document; returns the exit code. */
export function reportFailure(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { message, document, exitCode } = asCommandFailed(error);
  process.stderr.write(`${plainLines(message)}\n`);
  // Also where the line cannot be read: a script that writes `--JSON` or `--json=true` gets its document.
  if (args.some((argument) => /^--json(=|$)/i.test(argument)))
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  return exitCode;
}

function asCommandFailed(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  if (error instanceof SettingsError)
    return new CommandFailed(error.message, 2, { error: error.message, faults: [...error.faults] });
  const message = messageOf(error);
  if (error instanceof CommanderError && error.code === 'commander.help')
    return new CommandFailed('Expected a command.', 2);
  if (error instanceof CommanderError)
    return new CommandFailed(`${message.replace(/^error: /, '').replace(/[^.)]$/, '$&.')} See --help.`, 2);
  return new CommandFailed(message);
}
