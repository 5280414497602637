import { existsSync } from 'node:fs';

/** Reads `.env` of the working directory when there is one; what the environment has already, it keeps. */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}
