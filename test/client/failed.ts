import type { CommandFailed } from '../../client/output.ts';
import { asCommandFailed, program } from '../../client/program.ts';

/** Every setting explicitly empty, which counts as not set, so that a developer's `.env` has no part in this. */
export const UNSET = Object.fromEntries(
  [
    ...['REPORT_API_URL', 'REPORT_API_KEY', 'REPORT_API_NICKNAME', 'REPORT_API_COHORT', 'DATABASE_URL'],
    ...['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER'],
  ].map((name) => [name, '']),
);

/** How a command line ends that fails, in this process. */
export async function failed(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandFailed> {
  const settings = { ...UNSET, TEMPORAL_ADDRESS: '', ...env };
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, settings);
  try {
    await program().parseAsync([...args, '--json'], { from: 'user' });
  } catch (error) {
    return asCommandFailed(error);
  } finally {
    for (const [name, value] of before)
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
  }
  throw new Error('The command was to fail, but it ended well.');
}
