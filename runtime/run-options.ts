import { RUN_OPTIONS, type RunOptions } from '../domain/run-options.ts';
import { readSettings } from './settings.ts';

const NAMES = Object.values(RUN_OPTIONS).map(({ setting }) => setting);

/** What shapes a run, from the environment of whoever starts it. Throws `SettingsError`. */
export function runOptions(env: NodeJS.ProcessEnv): RunOptions {
  const values = readSettings(env, NAMES);
  const entries = Object.entries(RUN_OPTIONS).map(([name, { setting }]) => [name, values[setting]]);
  return Object.fromEntries(entries) as RunOptions;
}
