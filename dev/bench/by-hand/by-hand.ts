import path from 'node:path';
import { runTool } from '../../services/errors.ts';
import { psqlEnvironment } from '../../services/postgres-databases.ts';
import { secondsOf } from '../figures.ts';

const here = import.meta.dirname;

/** The yardstick's own tables, beside those of the product. */
export async function createByHand(url: string): Promise<void> {
  await psql(url, ['-f', path.join(here, 'schema.sql')]);
}

/** What a person with psql does for one day; seconds. */
export async function loadByHand(url: string, csvPath: string, loadDate: string): Promise<number> {
  const variables = ['-v', `csv=${csvPath}`, '-v', `load_date=${loadDate}`];
  return await secondsOf(() => psql(url, [...variables, '-f', path.join(here, 'load.sql')]));
}

async function psql(url: string, args: string[]): Promise<void> {
  const env = { ...process.env, ...psqlEnvironment(url) };
  await runTool('psql', 'psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', ...args], { env });
}
