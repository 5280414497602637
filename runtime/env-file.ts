import { existsSync } from 'node:fs';
import { SettingsError } from './settings.ts';

/** Reads `.env` of the working directory when there is one; what the environment has already, it keeps. */
export function loadEnvFile(): void {
  if (!existsSync('.env')) return;
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    throw new SettingsError([
      `.env cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
}
