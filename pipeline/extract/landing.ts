import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DeliveryFile, LandedFile } from '../../domain/day.ts';
import { fileName } from '../../domain/feeds.ts';
import { isLoadDate, type LoadDate } from '../../domain/load-date.ts';

const ID_FILE = '.landing-id';
/** Rows that have been checked and wait to be staged. */
const CHECKED = '.checked';

/** Where a landed file is, and what the check writes beside it. */
export interface FilePaths {
  csv: string;
  rows: string;
  rejected: string;
}

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

  csvPath(file: DeliveryFile): string {
    return path.join(this.root, file.loadDate, `${fileName(file)}.csv`);
  }

  pathsOf(file: LandedFile): FilePaths {
    const checked = path.join(this.root, file.loadDate, CHECKED, `${fileName(file)}.${file.deliveryNumber}`);
    return { csv: this.csvPath(file), rows: `${checked}.rows`, rejected: `${checked}.rejected` };
  }

  /** Runs a download to the file's place. */
  async land<T>(file: DeliveryFile, download: (target: string) => Promise<T>): Promise<T> {
    return await download(this.csvPath(file));
  }

  /** Throws the error of the disk when it cannot be written to. */
  async checkUsable(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
  }

  /** The directory's id; made at the first call, by whoever comes first. */
  async id(): Promise<string> {
    const idPath = path.join(this.root, ID_FILE);
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    const known = await readFile(idPath, 'utf8').catch(absent);
    if (known !== undefined) return known.trim();
    await writeFile(idPath, `${randomUUID().slice(0, 8)}\n`, { flag: 'wx', flush: true });
    return (await readFile(idPath, 'utf8')).trim();
  }

  /** Removes what earlier downloads of the same file have left beside the newest, unfinished files as well. */
  async dropOlder(file: LandedFile): Promise<void> {
    const directory = path.join(this.root, file.loadDate, CHECKED);
    for (const name of (await readdir(directory).catch(absent)) ?? []) {
      const [owner, older] = name.replace(/^\./, '').split('.');
      if (owner === fileName(file) && Number(older) < file.deliveryNumber) {
        await rm(path.join(directory, name), { force: true });
      }
    }
  }

  /** Removes the days that nothing has been written to since `before`; returns those removed. */
  async prune(before: Date): Promise<LoadDate[]> {
    const pruned: LoadDate[] = [];
    for (const day of ((await readdir(this.root).catch(absent)) ?? []).filter(isLoadDate)) {
      const directory = path.join(this.root, day);
      const touched = await Promise.all([directory, path.join(directory, CHECKED)].map(modifiedAt));
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
