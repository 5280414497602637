import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DeliveryRef } from '../../domain/day.ts';
import { isLoadDate, type LoadDate } from '../../domain/load-date.ts';

const ID_FILE = '.landing-id';
/** Rows that are checked and wait to be staged. */
const PREPARED = '.prepared';

/**
 * The landing directory: `<load date>/<file>.csv`, and beside them what was made of them.
 * It has an id of its own, so that the task queue of its files outlives a restart of the worker, and so that
 * workers that share one disk share one queue.
 */
export class Landing {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  csvPath(delivery: DeliveryRef, file: string): string {
    return path.join(this.root, delivery.loadDate, `${file}.csv`);
  }

  rowsPath(delivery: DeliveryRef, file: string, number: number): string {
    return path.join(this.root, delivery.loadDate, PREPARED, `${file}.${number}.rows`);
  }

  rejectedPath(delivery: DeliveryRef, file: string, number: number): string {
    return path.join(this.root, delivery.loadDate, PREPARED, `${file}.${number}.rejected`);
  }

  /** The directory's id; made at the first call, by whoever comes first. */
  async id(): Promise<string> {
    const idPath = path.join(this.root, ID_FILE);
    await mkdir(this.root, { recursive: true });
    const known = await readFile(idPath, 'utf8').catch(absent);
    if (known !== undefined) return known.trim();
    const proposal = `${idPath}.${randomUUID()}`;
    await writeFile(proposal, `${randomUUID().slice(0, 8)}\n`, { flush: true });
    // A link fails where one exists already: two workers that start at once agree on the first.
    try {
      await link(proposal, idPath).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(proposal, { force: true });
    }
    return (await readFile(idPath, 'utf8')).trim();
  }

  /** Removes what earlier deliveries of the same file have left beside the newest, unfinished files as well. */
  async dropOlder(delivery: DeliveryRef, file: string, number: number): Promise<void> {
    const directory = path.join(this.root, delivery.loadDate, PREPARED);
    for (const name of (await readdir(directory).catch(absent)) ?? []) {
      const [owner, older] = name.replace(/^\./, '').split('.');
      if (owner === file && Number(older) < number) await rm(path.join(directory, name), { force: true });
    }
  }

  /** Removes the days that nothing has been written to since `before`; returns those removed. */
  async prune(before: Date): Promise<LoadDate[]> {
    const pruned: LoadDate[] = [];
    for (const day of ((await readdir(this.root).catch(absent)) ?? []).filter(isLoadDate)) {
      const directory = path.join(this.root, day);
      const touched = await Promise.all([directory, path.join(directory, PREPARED)].map(modifiedAt));
      if (touched.some((time) => time >= before.getTime())) continue;
      await rm(directory, { recursive: true, force: true });
      pruned.push(day);
    }
    return pruned;
  }
}

/** A directory is modified when a file in it appears, is renamed or goes. */
async function modifiedAt(directory: string): Promise<number> {
  return (await stat(directory).catch(absent))?.mtimeMs ?? 0;
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
}
