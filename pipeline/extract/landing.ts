import { access, constants, lstat, mkdir, readdir, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { DeliveryFile } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { fileName } from '../../domain/feeds.ts';
import { isLoadDate, type LoadDate } from '../../domain/load-date.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { landingFailure, linkRefused } from './landing-failure.ts';

/** `user_order_log_inc.42.csv`: the file and its delivery number. What is ours to remove follows from the name alone. */
const LANDED = /^(\w+)\.(\d+)\.csv$/;
/** What a download writes to until it is whole; see `AtomicFile`. */
const UNFINISHED = /^\.\w+(?:\.\d+\.csv)?\.[0-9a-f-]{36}\.tmp$/;
/** Its worker was killed: a download writes all the time. */
const ABANDONED_AFTER_MS = 3_600_000;
const DIRECTORY_MODE = 0o700;
/** A directory may be removed between the moment it is made and the moment a file is made in it. */
const MAX_TRIES = 10;
/** For which a worker leaves files to others after its disk has failed, and the pauses between their tries. */
const LEFT_TO_OTHERS_MS = 5_000;
const FIRST_RETRY_MS = 200;
const RETRY_GROWTH = 1.1;
const MAX_RETRY_MS = 10_000;

/**
 * The landing directory: an archive of the newest download of each file, `<load date>/<file>.<delivery number>.csv`. No
 * step reads it.
 */
export class Landing {
  readonly root: string;
  #leftToOthersUntil = 0;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  directoryOf({ loadDate }: DeliveryFile): string {
    return path.join(this.root, loadDate);
  }

  pathOf(file: DeliveryFile, deliveryNumber: number): string {
    return path.join(this.directoryOf(file), `${fileName(file)}.${deliveryNumber}.csv`);
  }

  /** Throws the error of the disk when nothing can be written there. */
  async checkUsable(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: DIRECTORY_MODE });
    await access(this.root, constants.W_OK | constants.X_OK);
  }

  /**
   * Runs work that writes to the directory. When the disk fails, it is a failure that is soon tried again, so that
   * another worker may take it: for some seconds this one refuses the work at once.
   * @param attempt of the step, from 1
   */
  async using<T>(attempt: number, work: () => Promise<T>): Promise<T> {
    const nextRetryDelayMs = Math.min(FIRST_RETRY_MS * RETRY_GROWTH ** (attempt - 1), MAX_RETRY_MS);
    if (performance.now() < this.#leftToOthersUntil) {
      const message =
        'The landing directory of this worker failed seconds ago; another worker can land the file.';
      throw failure('LandingUnavailable', message, { nextRetryDelayMs });
    }
    try {
      return await work();
    } catch (error) {
      const found = landingFailure(error);
      if (!found) throw error;
      this.#leftToOthersUntil = performance.now() + LEFT_TO_OTHERS_MS;
      throw failure('LandingUnavailable', found.message, { nextRetryDelayMs });
    }
  }

  /** A new file for a download, with the directory of its day. */
  async create(file: DeliveryFile, deliveryNumber: number): Promise<AtomicFile> {
    const directory = this.directoryOf(file);
    for (let tries = 1; ; tries += 1) {
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
      try {
        if ((await lstat(directory)).isSymbolicLink()) throw linkRefused(directory);
        return await AtomicFile.create(this.pathOf(file, deliveryNumber));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** Removes the older downloads of a file. */
  async removeOlder(file: DeliveryFile, deliveryNumber: number): Promise<void> {
    for (const { name, number } of await landedIn(this.directoryOf(file), fileName(file))) {
      if (number < deliveryNumber) await removes(path.join(this.directoryOf(file), name));
    }
  }

  async remove(file: DeliveryFile, deliveryNumber: number): Promise<void> {
    await removes(this.pathOf(file, deliveryNumber));
  }

  /**
   * Removes what was landed before an instant, what killed workers have left, and nothing else that lies there. Returns
   * how many landed files it removed.
   */
  async prune(before: Date): Promise<number> {
    const abandonedBefore = Math.min(before.getTime(), Date.now() - ABANDONED_AFTER_MS);
    let removed = 0;
    for (const day of await this.#days()) {
      const directory = path.join(this.root, day);
      for (const name of (await readdir(directory).catch(notThere)) ?? []) {
        const isLanded = LANDED.test(name);
        if (!isLanded && !UNFINISHED.test(name)) continue;
        const file = path.join(directory, name);
        const limit = isLanded ? before.getTime() : abandonedBefore;
        if ((await modifiedAt(file)) < limit && (await removes(file)) && isLanded) removed += 1;
      }
      await rmdir(directory).catch(notEmpty);
    }
    return removed;
  }

  async #days(): Promise<LoadDate[]> {
    const entries = (await readdir(this.root, { withFileTypes: true }).catch(notThere)) ?? [];
    return entries.filter((entry) => entry.isDirectory() && isLoadDate(entry.name)).map(({ name }) => name);
  }
}

async function landedIn(directory: string, file: string): Promise<{ name: string; number: number }[]> {
  return ((await readdir(directory).catch(notThere)) ?? []).flatMap((name) => {
    const [, of, number] = LANDED.exec(name) ?? [];
    return of === file ? [{ name, number: Number(number) }] : [];
  });
}

/** Milliseconds since 1970; of a symbolic link itself, not of what it leads to. A directory is nobody's download. */
async function modifiedAt(file: string): Promise<number> {
  const stats = await lstat(file).catch(notThere);
  return !stats || stats.isDirectory() ? Infinity : stats.mtimeMs;
}

/** False: another worker has removed it. */
async function removes(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (error) {
    notThere(error);
    return false;
  }
}

function notThere(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  return undefined;
}

/** Files of others are left where they are. */
function notEmpty(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') notThere(error);
}
