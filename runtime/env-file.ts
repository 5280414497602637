import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { SettingsError } from './settings.ts';
import { distrust } from './trust.ts';

/** Reads `.env` of the working directory when there is one; what the environment has already, it keeps. */
export function loadEnvFile(): void {
  const text = readSettingsFile('.env') ?? '';
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
}

/**
 * The text of a file of settings; undefined where there is none. It says which servers get the passwords, so nobody else
 * may have written it (contract, ruling 55). Throws `SettingsError`.
 */
export function readSettingsFile(name: string): string | undefined {
  const file = path.resolve(name);
  try {
    const link = lstatSync(file, { throwIfNoEntry: false });
    if (link === undefined) return undefined;
    // Where a pipe stands, opening would wait for a writer.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const reason = distrust(link) ?? distrust(fstatSync(descriptor));
      if (reason !== undefined)
        throw new SettingsError([`${file} ${reason}: make it your own (chown), and chmod 600.`]);
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    throw new SettingsError([`${file} cannot be read: ${(error as Error).message}.`]);
  }
}
