import { randomUUID } from 'node:crypto';
import { appendFile, lstat, mkdir, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryFile, LandedFile } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { fileName } from '../../domain/feeds.ts';
import { isLoadDate, type LoadDate } from '../../domain/load-date.ts';
import { APPEND, READ } from '../../runtime/file-flags.ts';
import { linkRefused } from './landing-failure.ts';

const ID_FILE = '.landing-id';
/** Rows that have been checked and wait to be staged. */
const CHECKED = '.checked';
/** Names of the files that were landed in a day's directory: those are ours to remove. */
const LANDED = '.landed';
const LANDED_NAME = /^\w+\.csv$/;
const ID = /^[\w-]{1,64}$/;
/** They hold names of customers: for the worker's user only, whatever its umask. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const PROBE_BYTES = 64 * 1024;
const PROBE = '.probe.';
/** Another process that has made the id's file writes the id within this. */
const ID_WITHIN_MS = 5_000;
/** What has not been written to for this long is nobody's any more: its worker was killed, or its run broke off. */
export const ABANDONED_AFTER_MS = 3_600_000;

/** Where a landed file is, and what the check writes beside it. */
export interface FilePaths {
  csv: string;
  rows: string;
  rejected: string;
}

export interface Pruned {
  days: LoadDate[];
  /** How many files were removed. */
  files: number;
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

  /** Makes the directories of a file's day, and refuses what would lead out of the landing directory. */
  async makeDirectories({ loadDate }: DeliveryFile): Promise<void> {
    const day = path.join(this.root, loadDate);
    for (const directory of [day, path.join(day, CHECKED)]) {
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
      if (!(await isDirectory(directory))) throw linkRefused(directory);
    }
  }

  /** Downloads a file to its place, and remembers that it is ours to remove. */
  async land<T>(file: DeliveryFile, now: Date, download: (target: string) => Promise<T>): Promise<T> {
    await this.makeDirectories(file);
    const target = this.csvPath(file);
    await dropAbandoned(target, new Date(now.getTime() - ABANDONED_AFTER_MS));
    const list = path.join(path.dirname(target), LANDED);
    const name = path.basename(target);
    if (!(await namesIn(list)).includes(name)) {
      await appendFile(list, `${name}\n`, { mode: FILE_MODE, flag: APPEND });
    }
    return await download(target);
  }

  /** Throws the error of the disk when it cannot be written to. */
  async checkUsable(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: DIRECTORY_MODE });
    const probe = path.join(this.root, `${PROBE}${randomUUID()}`);
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
    await writeFile(idPath, `${randomUUID().slice(0, 8)}\n`, own).catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      // Made, but not written, when the disk is full.
      await rm(idPath, { force: true });
      throw error;
    });
    const deadline = performance.now() + ID_WITHIN_MS;
    for (;;) {
      const id = (await readFile(idPath, { encoding: 'utf8', flag: READ })).trim();
      if (ID.test(id)) return id;
      if (id !== '' || performance.now() > deadline) {
        throw failure('LandingUnavailable', `${idPath} holds no id; remove it while no worker runs.`);
      }
      await sleep(20);
    }
  }

  /** Removes what earlier downloads of the same file have left beside the newest, unfinished files as well. */
  async dropOlder(file: LandedFile): Promise<void> {
    const directory = path.join(this.root, file.loadDate, CHECKED);
    for (const name of (await readdir(directory).catch(notOurs)) ?? []) {
      const [owner, older] = name.replace(/^\./, '').split('.');
      if (owner === fileName(file) && Number(older) < file.deliveryNumber) {
        await rm(path.join(directory, name), { force: true });
      }
    }
  }

  /** The days of which anything is landed. */
  async days(): Promise<LoadDate[]> {
    const days: LoadDate[] = [];
    for (const name of (await readdir(this.root).catch(notOurs)) ?? []) {
      if (!isLoadDate(name) || !(await isDirectory(path.join(this.root, name)))) continue;
      if ((await namesIn(path.join(this.root, name, LANDED))).length > 0) days.push(name);
    }
    return days;
  }

  /**
   * Removes what was landed on days that nothing has been written to since `before`, and nothing else that lies in the
   * directory but probes of workers that were killed.
   * @param later for some days a later instant
   */
  async prune(before: Date, later: Readonly<Record<LoadDate, Date>> = {}): Promise<Pruned> {
    for (const name of (await readdir(this.root).catch(notOurs)) ?? []) {
      if (name.startsWith(PROBE)) await removeOld(path.join(this.root, name), before);
    }
    const pruned: Pruned = { days: [], files: 0 };
    for (const day of await this.days()) {
      const limit = Math.max(before.getTime(), later[day]?.getTime() ?? 0);
      const files = await pruneDay(path.join(this.root, day), limit);
      if (files === undefined) continue;
      pruned.days.push(day);
      pruned.files += files;
    }
    return pruned;
  }
}

/** Removes a day's landed files; returns how many, undefined when one was written since `before`. */
async function pruneDay(directory: string, before: number): Promise<number | undefined> {
  const checked = path.join(directory, CHECKED);
  const list = path.join(directory, LANDED);
  const landed = await namesIn(list);
  const ofDay = ((await readdir(directory, { withFileTypes: true }).catch(notOurs)) ?? [])
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => landed.some((one) => name === one || isUnfinished(name, one)));
  const ofCheck = (await isDirectory(checked)) ? ((await readdir(checked).catch(notOurs)) ?? []) : [];
  const files = [
    ...ofDay.map((name) => path.join(directory, name)),
    ...ofCheck.map((name) => path.join(checked, name)),
  ];
  for (const one of [directory, checked, ...files]) if ((await modifiedAt(one)) >= before) return undefined;
  let removed = 0;
  for (const file of files) if (await removes(file)) removed += 1;
  await rm(checked, { recursive: true, force: true });
  await rm(list, { force: true });
  await rmdir(directory).catch(notEmpty);
  return removed;
}

/** Of a symbolic link to one: false. */
async function isDirectory(file: string): Promise<boolean> {
  return (await lstat(file).catch(notOurs))?.isDirectory() ?? false;
}

/** The temporary file of a download; see `AtomicFile`. */
function isUnfinished(name: string, landed: string): boolean {
  return name.startsWith(`.${landed}.`) && name.endsWith('.tmp');
}

/** Removes what workers that were killed in the middle of a download have left of a file. */
async function dropAbandoned(target: string, before: Date): Promise<void> {
  const directory = path.dirname(target);
  for (const name of await readdir(directory)) {
    if (isUnfinished(name, path.basename(target))) await removeOld(path.join(directory, name), before);
  }
}

async function removeOld(file: string, before: Date): Promise<void> {
  if ((await modifiedAt(file)) < before.getTime()) await rm(file, { force: true });
}

async function namesIn(list: string): Promise<string[]> {
  const text = (await readFile(list, { encoding: 'utf8', flag: READ }).catch(notOurs)) ?? '';
  return text.split('\n').filter((name) => LANDED_NAME.test(name));
}

/** A directory is modified when a file in it appears, is renamed or goes. Of a link that of the link itself. */
async function modifiedAt(file: string): Promise<number> {
  return (await lstat(file).catch(notOurs))?.mtimeMs ?? 0;
}

/** What is not there, or not ours to read. */
const NOT_OURS: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ELOOP']);

function notOurs(error: unknown): undefined {
  if (!NOT_OURS.has((error as NodeJS.ErrnoException).code)) throw error;
  return undefined;
}

/** False: another worker has removed it. */
async function removes(file: string): Promise<boolean> {
  try {
    await rm(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** Files of others are left where they are; another worker may have removed the directory. */
function notEmpty(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
}
