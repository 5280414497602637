import type { Stats } from 'node:fs';

/** What lets others write, in the bits of a file's mode. */
const WRITE_BY_OTHERS = 0o022;

/**
 * Why what stands in a file is not this user's own word: `belongs to another user (65534)` or `may be written by others
 * (mode 0666)`; undefined when it is. Of a symbolic link only the owner counts, who chose what it names.
 * @param owners who is trusted besides this user and root
 */
export function distrust(stats: Stats, owners: readonly number[] = []): string | undefined {
  const { uid, mode } = stats;
  if (![0, process.getuid?.(), ...owners].includes(uid)) return `belongs to another user (${uid})`;
  if (stats.isSymbolicLink() || (mode & WRITE_BY_OTHERS) === 0) return undefined;
  return `may be written by others (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`;
}
