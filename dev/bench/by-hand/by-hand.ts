import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { psqlEnvironment } from '../../services/postgres-databases.ts';
import { secondsOf } from '../figures.ts';

const execFileAsync = promisify(execFile);
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

/** Nothing but `\copy` of the raw file; seconds. */
export async function bareCopy(url: string, csvPath: string): Promise<number> {
  const table =
    'create temporary table delivered as select id, uniq_id, date_time, city_id, city_name, customer_id, first_name, ' +
    'last_name, item_id, item_name, quantity, payment_amount, status from by_hand.stg_orders with no data';
  const copy = `\\copy delivered from '${csvPath}' with (format csv, header true)`;
  return await secondsOf(() => psql(url, ['-c', table, '-c', copy]));
}

/** DuckDB reads and de-duplicates the file, psql does the rest by hand; seconds. */
export async function loadByDuckdb(url: string, csvPath: string, loadDate: string): Promise<number> {
  const newest = `${csvPath}.newest`;
  const program = `import duckdb
duckdb.sql("""copy (
  select * exclude (place) from (
    select *, row_number() over (partition by uniq_id, status order by id desc) as place from read_csv('${csvPath}')
  ) where place = 1
) to '${newest}' (header)""")`;
  const reading = await secondsOf(() => execFileAsync('python3', ['-c', program]));
  return reading + (await loadByHand(url, newest, loadDate));
}

export async function hasDuckdb(): Promise<boolean> {
  return await execFileAsync('python3', ['-c', 'import duckdb']).then(
    () => true,
    () => false,
  );
}

async function psql(url: string, args: string[]): Promise<void> {
  await execFileAsync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', ...args], {
    env: { ...process.env, ...psqlEnvironment(url) },
  });
}
