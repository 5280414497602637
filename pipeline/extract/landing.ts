import { randomUUID } from 'node:crypto';
import { appendFile, lstat, mkdir, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryFile, LandedFile } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { fileName } from '../../domain/feeds.ts';
import { isLoadDate, type LoadDate } from '../../domain/load-date.ts';

const ID_FILE = '.landing-id';
/** Rows that have been checked and wait to be staged. */
const CHECKED = '.checked';
/** Names of the files that were landed in a day's directory: those are ours to remove. */
const LANDED = '.landed';
/** They hold names of customers: for the worker's user only, whatever its umask. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const PROBE_BYTES = 64 * 1024;
/** A download that has not got a byte for this long is nobody's any more: its worker was killed. */
const ABANDONED_AFTER_MS = 3_600_000;

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

  /** Downloads a file to its place, and remembers that it is ours to remove. */
  async land<T>(file: DeliveryFile, now: Date, download: (target: string) => Promise<T>): Promise<T> {
    const target = this.csvPath(file);
    const directory = path.dirname(target);
    for (const own of [directory, path.join(directory, CHECKED)]) await makeOwnDirectory(own);
    await dropAbandoned(target, now.getTime() - ABANDONED_AFTER_MS);
    const landed = path.join(directory, LANDED);
    const name = path.basename(target);
    if (!(await namesIn(landed)).includes(name)) await appendFile(landed, `${name}\n`, { mode: FILE_MODE });
    return await download(target);
  }

  /** Throws the error of the disk when it cannot be written to. */
  async checkUsable(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: DIRECTORY_MODE });
    const probe = path.join(this.root, `.probe.${randomUUID()}`);
    try {
      await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flag: 'wx', flush: true, mode: FILE_MODE });
    } finally {
      await rm(probe, { force: true });
    }
  }

  /** The directory's id; made at the first call, by whoever comes first. */
  async id(): Promise<string> {
    const idPath = path.join(this.root, ID_FILE);
    await mkdir(this.root, { recursive: true, mode: DIRECTORY_MODE });
    const own = { flag: 'wx', flush: true, mode: FILE_MODE };
    await writeFile(idPath, `${randomUUID().slice(0, 8)}\n`, own).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    for (;;) {
      const id = (await readFile(idPath, 'utf8')).trim();
      if (id !== '') return id;
      // Another process has made the file and is about to write it.
      await sleep(20);
    }
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

  /**
   * Removes what was landed on days that nothing has been written to since `before`, and nothing else that lies in the
   * directory; returns those days.
   */
  async prune(before: Date): Promise<LoadDate[]> {
    const pruned: LoadDate[] = [];
    for (const day of ((await readdir(this.root).catch(absent)) ?? []).filter(isLoadDate)) {
      const directory = path.join(this.root, day);
      const names = await namesIn(path.join(directory, LANDED));
      if (names.length === 0 || (await modifiedAt(directory)) >= before.getTime()) continue;
      if ((await modifiedAt(path.join(directory, CHECKED))) >= before.getTime()) continue;
      for (const name of names) await rm(path.join(directory, path.basename(name)), { force: true });
      await rm(path.join(directory, CHECKED), { recursive: true, force: true });
      await rm(path.join(directory, LANDED));
      await rmdir(directory).catch(notEmpty);
      pruned.push(day);
    }
    return pruned;
  }
}

/** A symbolic link would lead out of the landing directory: it is not followed. */
async function makeOwnDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if ((await lstat(directory)).isDirectory()) return;
  throw failure('LandingUnavailable', `${directory} is a symbolic link, which is not followed; remove it.`);
}

/** Removes what workers that were killed in the middle of a download have left of a file. */
async function dropAbandoned(target: string, before: number): Promise<void> {
  const directory = path.dirname(target);
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`.${path.basename(target)}.`)) continue;
    const temporary = path.join(directory, name);
    if ((await modifiedAt(temporary)) < before) await rm(temporary, { force: true });
  }
}

async function namesIn(list: string): Promise<string[]> {
  const text = (await readFile(list, 'utf8').catch(absent)) ?? '';
  return text.split('\n').filter((name) => name !== '');
}

/** A directory is modified when a file in it appears, is renamed or goes. Of a link that of the link itself. */
async function modifiedAt(file: string): Promise<number> {
  return (await lstat(file).catch(absent))?.mtimeMs ?? 0;
}

function absent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  return undefined;
}

/** Files of others are left where they are. */
function notEmpty(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
}
