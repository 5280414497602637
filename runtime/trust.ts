import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';

/** Who may not write, by the bits of a file's mode. */
const GROUP_AND_OTHERS = 0o022;

/**
 * Why what stands in a file is not this user's own word: `belongs to another user (65534)` or `may be written by others
 * (mode 0666)`; undefined when it is.
 * @param trusted owners besides this user and root
 */
export function distrust({ uid, mode }: Stats, trusted: readonly number[] = []): string | undefined {
  if (![0, process.getuid?.(), ...trusted].includes(uid)) return `belongs to another user (${uid})`;
  if ((mode & GROUP_AND_OTHERS) === 0) return undefined;
  return `may be written by others (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`;
}

/** The same for a path; a symbolic link is not followed, and never trusted. */
export async function distrustOf(path: string, trusted?: readonly number[]): Promise<string | undefined> {
  const stats = await lstat(path);
  return stats.isSymbolicLink() ? 'is a symbolic link' : distrust(stats, trusted);
}
