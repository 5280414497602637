import { failure } from '../../domain/failures.ts';

/** A symbolic link in the landing directory would lead out of it. */
export function linkRefused(link: string) {
  return failure('LandingUnavailable', `${link} is a symbolic link, which is not followed; remove it.`);
}

/** The failure that a disk error is; undefined for any other error. */
export function landingFailure(error: unknown) {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !DISK_CALL.test(syscall)) return undefined;
  return failure('LandingUnavailable', `The landing directory cannot be used: ${error.message}.`);
}

const DISK_CALL = /^(open|read|write|fsync|close|rename|mkdir|lstat|rmdir|unlink|rm|scandir|stat)$/;
