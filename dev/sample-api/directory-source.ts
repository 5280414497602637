import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { isLoadDate } from '../../domain/load-date.ts';
import { isErrno } from '../services/errors.ts';
import type { Delivery, DeliverySource } from './delivery.ts';

/**
 * Serves `dir/report/*.csv` and `dir/increment/<date>/*.csv`. Nothing is kept: the folders and files are read anew
 * for every request, so they can be edited, added and removed while the server runs.
 */
export function directorySource(dir: string): DeliverySource {
  const report = join(dir, 'report');
  return {
    async increment(date) {
      return isLoadDate(date) ? await csvFiles(join(dir, 'increment', date)) : null;
    },
    async report() {
      const delivery = await csvFiles(report);
      if (delivery === null)
        throw new Error(`${report} does not exist: it should hold the files of the full report`);
      const [startDay, endDate] = await dateRange(join(report, 'user_order_log.csv'));
      return { startDay, endDate, files: delivery.files };
    },
  };
}

async function csvFiles(folder: string): Promise<Delivery | null> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
  const csv = names.filter((name) => name.endsWith('.csv'));
  return { files: Object.fromEntries(csv.map((name) => [parse(name).name, { path: join(folder, name) }])) };
}

/** The first and last day in the order log: whatever in it looks like a timestamp is one. */
async function dateRange(path: string): Promise<[first: string, last: string]> {
  const days = (await readFile(path, 'utf8')).match(/(?<=,)\d{4}-\d{2}-\d{2}(?=[T ,])/g)?.sort();
  const [first, last] = [days?.[0], days?.at(-1)];
  if (first === undefined || last === undefined)
    throw new Error(`${path} has no row with a date, so start_day and end_date are unknown`);
  return [first, last];
}
