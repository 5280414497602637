import type { Database } from '../../database/database.ts';
import { generatedFiles } from '../../dev/sample-api/generate-increment.ts';
import { feedOfFile } from '../../domain/feeds.ts';
import { eachDay } from '../../domain/load-date.ts';
import { Loader } from '../database/support.ts';

const FIRST_DAY = '2024-03-04';
const LAST_DAY = '2024-03-24';
export const NOT_LOADED = '2024-03-19';
export const SMALL_DAY = '2024-03-14';
const LATE_DAY = '2024-03-16';

/** What is wrong with some files: the lines that are kept, or that stand for others (from 1, the header included). */
const DAMAGE: Record<string, Record<string, (line: string, number: number) => string | undefined>> = {
  '2024-03-12': {
    user_order_log_inc: (line, number) => {
      if (number === 5) return line.replace(/shipped$/, 'returned');
      if (number === 9 || number === 10) return line.replace(/\d+,(\w+)$/, '12.345,$1');
      return line;
    },
    price_log_inc: (line, number) => (number === 12 ? line.replace(/,\d+$/, ',twenty') : line),
  },
  [SMALL_DAY]: { user_order_log_inc: (line, number) => (number <= 61 ? line : undefined) },
  '2024-03-21': { user_activity_log_inc: (line, number) => (number === 1 ? line : undefined) },
};

/**
 * Three weeks of the sample shop, loaded as runs load them, each at five the next morning: one day was late and one is
 * missing, one has rows that break rules, of two a file is far too small. The same at every run.
 */
export async function loadSampleMart(database: Database): Promise<void> {
  const loader = new Loader(database);
  for (const date of eachDay(FIRST_DAY, LAST_DAY)) {
    if (date === NOT_LOADED) continue;
    await loadDay(loader, date, (file, content) => damaged(date, file, content));
  }
  for (const table of ['file_load', 'day_load'])
    await database.pool.query(
      `update staging.${table} set finished_at =
         (load_date + case when load_date = $1 then 4 else 1 end + time '05:00') at time zone 'UTC'`,
      [LATE_DAY],
    );
}

/** Loads a day of the sample shop. */
export async function loadDay(
  loader: Loader,
  date: string,
  change = (_file: string, content: string) => content,
): Promise<void> {
  for (const [file, chunks] of Object.entries(generatedFiles('increment', [date])))
    await loader.stage(date, change(file, [...chunks()].join('')), { feed: feedOfFile(file) });
  await loader.updateMart(date);
}

function damaged(date: string, file: string, content: string): string {
  const damage = DAMAGE[date]?.[file];
  if (damage === undefined) return content;
  return content
    .split('\r\n')
    .flatMap((line, index) => damage(line, index + 1) ?? [])
    .join('\r\n');
}
