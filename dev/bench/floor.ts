import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { sql } from '../../database/sql.ts';

/** What a person with psql would do by hand; the yardstick. Seconds. */

const RAW_COLUMNS = `id bigint, uniq_id text collate "C", date_time timestamp, city_id bigint, city_name text,
  customer_id bigint, first_name text, last_name text, item_id bigint, item_name text, quantity bigint,
  payment_amount numeric(18, 2)`;
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
  const prepared = STATEMENTS.map((name, index) =>
    sql(name).includes('$1')
      ? `prepare statement_${index} (date, boolean) as ${sql(name).trimEnd().replace(/;$/, '')};\n` +
        `execute statement_${index} ('${loadDate}', false);`
      : sql(name),
  );
  return await psql(url, [
    'begin;',
    ...(await copyRaw(csvPath)),
    'analyze incoming;',
    ...prepared,
    'drop table incoming;',
    'commit;',
  ]);
}

/** Nothing but `\copy` of the raw file into an unlogged table. */
export async function bareCopy(url: string, csvPath: string): Promise<number> {
  return await psql(url, ['begin;', ...(await copyRaw(csvPath)), 'drop table incoming;', 'commit;']);
}

async function copyRaw(csvPath: string): Promise<string[]> {
  const hasStatus = (await firstLine(csvPath)).includes('status');
  const columns = `${RAW_COLUMNS}, status text collate "C" default 'shipped'`;
  const names = columns.replaceAll(
    / (bigint|text|timestamp|numeric\(18, 2\)|collate "C"|default 'shipped')/g,
    '',
  );
  const inFile = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => hasStatus || name !== 'status');
  return [
    `create unlogged table incoming (ordinal bigint generated always as identity, ${columns});`.replaceAll(
      '\n',
      ' ',
    ),
    `\\copy incoming (${inFile.join(', ')}) from '${csvPath}' with (format csv, header true)`,
  ];
}

async function firstLine(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/)[0] ?? '';
  } finally {
    await file.close();
  }
}

async function psql(url: string, lines: string[]): Promise<number> {
  const started = performance.now();
  const child = spawn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', url], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(lines.join('\n') + '\n');
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`psql ended with ${code ?? 'a signal'}.`);
  return (performance.now() - started) / 1_000;
}
