import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isErrno } from '../services/errors.ts';

/** Makes the state's folder, for this user only, and keeps a second stack off it. Returns how to unlock it. */
export async function lockState(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const lock = path.join(directory, 'stack.pid');
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
      return () => rm(lock, { force: true });
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (isAlive(holder)) {
      throw new Error(
        `another development stack is using ${directory} (process ${holder}). Stop it with Ctrl-C, or give this one its own ` +
          'state with --state DIR.',
      );
    }
    // Left behind by one that was killed.
    await rm(lock, { force: true });
  }
}

/** Writes what a shell needs to reach the stack; it holds a password. Returns the file. */
export async function writeShellFile(
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const file = path.join(directory, 'env');
  const lines = Object.entries(environment).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`,
  );
  await rm(file, { force: true });
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return file;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
