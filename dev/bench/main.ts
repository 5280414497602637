import { Command } from 'commander';
import { measureDays } from './days.ts';
import { measureGrowth } from './growth.ts';
import { measureLoads } from './load.ts';

/** `npm run bench`, `npm run bench -- growth`, `npm run bench -- days`: the figures of dev/bench/RESULTS.md. */
const numbers = (text: string) => text.split(',').map(Number);
const bench = new Command('npm run bench --').description(
  'Each benchmark prints a table and keeps its figures in var/bench/.',
);
bench
  .command('load', { isDefault: true })
  .description('a load of orders beside SQL by hand, in turn')
  .option('--rows <N,N,…>', 'sizes', numbers, [1_000, 100_000, 1_000_000])
  .option('--rounds <N>', 'rounds per size; medians are shown', Number, 5)
  .action(measureLoads);
bench
  .command('growth')
  .description('one more day of 100,000 rows beside different sizes of history')
  .option('--facts <N,N,…>', 'sizes of history', numbers, [0, 1_000_000, 10_000_000])
  .option('--rounds <N>', 'days per size, each loaded twice; medians are shown', Number, 3)
  .option('--no-verify', 'without `verify`, whose temporary files are as large as the tables')
  .action(measureGrowth);
bench
  .command('days')
  .description('single days, a large one, a backfill and waiting days, by worker processes')
  .option('--days <N>', 'days of the backfill', Number, 365)
  .option('--concurrency <N>', 'days side by side', Number, 8)
  .option('--beside-days <N>', 'days of a backfill that `client run` is measured beside', Number, 200)
  .option('--waiting <N>', 'days that wait for their report at once', Number, 1_000)
  .option('--workers <N>', 'worker processes', Number, 1)
  .option('--large-rows <N>', 'rows of the large day', Number, 1_000_000)
  .action(measureDays);
await bench.parseAsync();
