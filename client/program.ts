import { Command, CommanderError, Option } from 'commander';
import { SettingsError } from '../runtime/settings.ts';
import { messageOf, plainLines } from '../domain/text.ts';
import {
  countArgument,
  customerArgument,
  dateArgument,
  DEFAULT_CONCURRENCY,
  fileArgument,
  textArgument,
} from './arguments.ts';
import { CommandFailed, Output } from './output.ts';

/** All commands: `npm run client -- <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings. */
export function program(): Command {
  const root = new Command('client')
    .description("Loads the shop's daily sales increment, controls its schedule, and shows what is loaded.")
    .exitOverride()
    .configureOutput({ outputError: () => undefined });

  add(root, 'migrate', 'migrate the database schema to the newest version; safe to repeat')
    .option('--worker-role <NAME>', 'grant this role what a worker needs', textArgument)
    .option('--analyst-role <NAME>', 'grant this role read access to the mart', textArgument)
    .option('--distribute', 'distribute orders and facts over the nodes of a Citus cluster', false)
    .action(calling(() => import('./commands/migrate.ts'), 'migrate'));
  add(root, 'run', 'load one day, wait, and print what was loaded; joins a run of that day in progress')
    .option('--date <YYYY-MM-DD>', 'the day (default: the one the schedule would load now)', dateArgument)
    .option('--file <NAME>', 'only this file of the day, e.g. to load it again; repeatable', fileArgument)
    .action(calling(() => import('./commands/run.ts'), 'run'));
  add(root, 'backfill', 'load every day of a range; joins a backfill of the same range in progress')
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
    .action(calling(() => import('./commands/backfill.ts'), 'backfill'));
  add(root, 'bootstrap', 'load the full report as history, which never replaces an increment').action(
    calling(() => import('./commands/bootstrap.ts'), 'bootstrap'),
  );
  addSchedule(root);
  add(root, 'status', 'show which days are loaded, missing or failed (at most 20 years)')
    .option('--from <YYYY-MM-DD>', 'first day (default: the first known one)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: the newest that is known or due)', dateArgument)
    .option('--calendar', 'one line per month instead of one per day')
    .option('--fail-on-gap', 'exit with 1 when a due day is missing, failed or stale')
    .action(calling(() => import('./commands/status.ts'), 'status'));
  add(root, 'report', 'write a self-contained HTML report of sales and loaded days (at most 20 years)')
    .option('--out <FILE.html>', 'where to write it (default: ./sales-report.html)', textArgument)
    .option('--from <YYYY-MM-DD>', 'first day (default: the newest 12 weeks with sales)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last day (default: the newest known one)', dateArgument)
    .addOption(
      new Option('--language <LANGUAGE>', 'language of the page').choices(['en', 'ru']).default('en'),
    )
    .action(calling(() => import('./commands/report.ts'), 'report'));
  add(root, 'forget', 'remove the names of customers from database and landing directories, for good')
    .requiredOption('--customer <ID>', 'id of the customer; repeatable', customerArgument)
    .action(calling(() => import('./commands/forget.ts'), 'forget'));
  add(root, 'verify', 'compare the mart with what staging says it must hold')
    .option('--from <YYYY-MM-DD>', 'first load date (default: all)', dateArgument)
    .option('--to <YYYY-MM-DD>', 'last load date (default: all)', dateArgument)
    .option('--repair', 'mend what differs')
    .action(calling(() => import('./commands/verify.ts'), 'verify'));
  add(
    root,
    'search-attributes',
    "register the custom search attributes in Temporal's namespace; safe to repeat",
  ).action(calling(() => import('./commands/search-attributes.ts'), 'registerSearchAttributes'));
  return root;
}

function addSchedule(root: Command): void {
  const load = () => import('./commands/schedule.ts');
  const schedule = root
    .command('schedule')
    .description('the daily schedule: apply, show, pause, resume, trigger, delete');
  add(schedule, 'apply', 'create the schedule, or update it to the settings; a paused one stays paused')
    .option('--paused', 'create it paused')
    .action(calling(load, 'apply'));
  add(schedule, 'show', 'show next and recent runs, policies, and days that are due but not loaded').action(
    calling(load, 'show'),
  );
  add(schedule, 'pause', 'pause the schedule: no more runs start')
    .option('--note <TEXT>', 'the reason', textArgument)
    .action(calling(load, 'pause'));
  add(schedule, 'resume', 'resume the schedule')
    .option('--note <TEXT>', 'the reason', textArgument)
    .action(calling(load, 'resume'));
  add(schedule, 'trigger', 'start a run now')
    .option(
      '--date <YYYY-MM-DD>',
      'for this day (default: the one the schedule would load now)',
      dateArgument,
    )
    .action(calling(load, 'trigger'));
  add(schedule, 'delete', 'delete the schedule; runs in progress continue').action(calling(load, 'remove'));
}

function add(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--json', 'print one JSON document, and nothing else, on standard output');
}

/** Calls a command with its options. It is imported only then, which keeps `--help` quick. */
function calling<Name extends string>(
  load: () => Promise<Record<Name, (options: never, output: Output) => Promise<void>>>,
  name: Name,
) {
  return async ({ json = false, ...options }: { json?: boolean }) => {
    const command = (await load())[name];
    await command(options as never, new Output(json));
  };
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
