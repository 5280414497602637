import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from '../../database/sql.ts';
import { psqlEnvironment } from '../services/postgres-databases.ts';
import { secondsOf } from './figures.ts';

/** What a person with psql would do by hand; the yardstick. Seconds. */

const COLUMNS = `id bigint, uniq_id text collate "C", date_time timestamp, city_id bigint, city_name text,
  customer_id bigint, first_name text, last_name text, item_id bigint, item_name text, quantity bigint,
  payment_amount numeric(18, 2), status text collate "C"`.replaceAll(/\s+/g, ' ');
const STATEMENTS = [
  'staging/user_order_log',
  'mart/d_city',
  'mart/d_item',
  'mart/d_customer',
  'mart/fact_change_table',
  'mart/fact_change',
  'mart/f_sales',
  'mart/d_calendar',
  'mart/f_customer_retention',
];

/** `\copy` of the raw file into an unlogged table and the same set-based SQL, in one transaction. */
export async function floor(url: string, csvPath: string, loadDate: string): Promise<number> {
  const statements = STATEMENTS.map((name, index) => {
    const text = sql(name).trimEnd().replace(/;$/, '');
    const prepare = `prepare statement_${index} (date, boolean) as ${text};`;
    return text.includes('$1')
      ? `${prepare}\nexecute statement_${index} ('${loadDate}', false);`
      : `${text};`;
  });
  return await copyAnd(url, csvPath, ['analyze incoming;', ...statements]);
}

/** Nothing but `\copy` of the raw file into an unlogged table. */
export async function bareCopy(url: string, csvPath: string): Promise<number> {
  return await copyAnd(url, csvPath, []);
}

async function copyAnd(url: string, csvPath: string, statements: readonly string[]): Promise<number> {
  const names = COLUMNS.split(/, (?=[a-z])/).map((column) => column.split(' ')[0]);
  const lines = [
    'begin;',
    `create unlogged table incoming (ordinal bigint generated always as identity, ${COLUMNS});`,
    `\\copy incoming (${names.join(', ')}) from '${csvPath}' with (format csv, header true)`,
    ...statements,
    'drop table incoming;',
    'commit;\n',
  ];
  return await secondsOf(async () => {
    const psql = spawn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null'], {
      env: { ...process.env, ...psqlEnvironment(url) },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    psql.stdin.end(lines.join('\n'));
    const [code] = (await once(psql, 'close')) as [number | null];
    if (code !== 0) throw new Error(`psql ended with ${code ?? 'a signal'}.`);
  });
}
