import { runOptions } from '../runtime/run-options.ts';
import { readSettings, readTogether } from '../runtime/settings.ts';
import { clientConfig } from '../runtime/temporal.ts';

/** The settings of a command that starts a run. Throws one `SettingsError` with all faults. */
export function runSettings(env: NodeJS.ProcessEnv) {
  const [options, { TEMPORAL_TASK_QUEUE: taskQueue }] = readTogether(
    () => runOptions(env),
    () => readSettings(env, ['TEMPORAL_TASK_QUEUE']),
    () => clientConfig(env),
  );
  return { options, taskQueue };
}

export type RunSettings = ReturnType<typeof runSettings>;
