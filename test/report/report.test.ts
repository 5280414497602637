import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileNames } from '../../domain/feeds.ts';
import { client } from '../support/client.ts';
import { createTestDatabase, databaseFor, type TestDatabase } from '../support/database.ts';
import { fillMart, LONG_WORD } from './sample-mart.ts';

/** A number as the page writes it, as PostgreSQL writes it. */
function plain(shown: string): string {
  return shown.replaceAll(',', '').replaceAll('−', '-');
}

/** The cells of one of the page's tables: body rows, then the footer. */
function tableOf(page: string, title: string): { body: string[][]; foot: string[] } {
  const table = new RegExp(`<summary>Table: ${title}</summary>([^]*?)</table>`).exec(page)?.[1];
  assert.ok(table !== undefined, `no table "${title}"`);
  const rowsOf = (part: string) =>
    [...part.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, row = '']) =>
      [...row.matchAll(/<t[dh][^>]*>(?:<bdi>)?([^<]*)/g)].map(([, text = '']) => plain(text)),
    );
  return {
    body: rowsOf(/<tbody>([^]*?)<\/tbody>/.exec(table)?.[1] ?? ''),
    foot: rowsOf(/<tfoot>([^]*?)<\/tfoot>/.exec(table)?.[1] ?? '')[0] ?? [],
  };
}

/** The entries of the page's lists, as one line of text each: the days that need attention, then the warnings. */
function listsOf(page: string): string[][] {
  return [...page.matchAll(/<ul class="days">([^]*?)<\/ul>/g)].map(([, list = '']) =>
    [...list.matchAll(/<li>([^]*?)<\/li>/g)].map(([, entry = '']) =>
      entry
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    ),
  );
}

const IN_RANGE = 'period_id between 202406 and 202417';
const cents = (decimal = '') => BigInt(decimal.replace('.', ''));
const sum = (rows: string[][], column: number) => rows.reduce((total, row) => total + cents(row[column]), 0n);

describe('client report', () => {
  let db: TestDatabase;
  let directory: string;
  let page: string;
  const run = async (args: string[], database = db) =>
    await client(['report', ...args], { DATABASE_URL: database.url });
  const pageOf = async (args: string[]) => {
    const file = path.join(directory, 'part.html');
    const ended = await run(['--out', file, ...args]);
    assert.equal(ended.code, 0, ended.stderr);
    return await readFile(file, 'utf8');
  };

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'report-'));
    db = await createTestDatabase();
    await fillMart(db);
    const out = path.join(directory, 'page.html');
    const ended = await run(['--out', out, '--json']);
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(JSON.parse(ended.stdout), { file: out, weeks: 12, days: 84 });
    page = await readFile(out, 'utf8');
  });
  after(async () => {
    await db.drop();
    await rm(directory, { recursive: true });
  });

  test('every number is the one of SQL, to the cent', async () => {
    const { rows } = await db.pool.query<Record<string, string>>(
      `select count(*) filter (where status = 'shipped') as orders,
         count(*) filter (where status = 'refunded') as refunds, sum(payment_amount) as revenue
       from mart.f_sales where date_id between 20240205 and 20240428`,
    );
    const total = rows[0] ?? {};
    for (const title of ['Revenue per day', 'Revenue per city', 'Revenue per item']) {
      const { body, foot } = tableOf(page, title);
      assert.deepEqual(foot.slice(1), [total.orders, total.refunds, total.revenue], title);
      assert.equal(sum(body, 3), cents(total.revenue), title);
      assert.equal(sum(body, 1), cents(total.orders), title);
    }
    const weeks = await db.pool.query<Record<string, string>>(
      `select * from mart.f_customer_retention where ${IN_RANGE} order by period_id`,
    );
    const week = (row: Record<string, string>, what: string) =>
      ['new', 'returning', 'refunded'].map((category) => row[`${category}_customers_${what}`]);
    assert.deepEqual(
      tableOf(page, 'Customers per week').body.map((row) => row.slice(2)),
      weeks.rows.map((row) => week(row, 'count')),
    );
    assert.deepEqual(
      tableOf(page, 'Revenue per week by customer category').body.map((row) => row.slice(2)),
      weeks.rows.map((row) => week(row, 'revenue')),
    );
    assert.deepEqual(tableOf(page, 'Customers per week').body[0]?.slice(0, 2), ['2024-W06', '2024-02-05']);
  });

  test('the headline figures have those of the last seven days and their change from the seven before', async () => {
    const { rows } = await db.pool.query<{ revenue: string; orders: string; change: string }>(
      `select sum(payment_amount) filter (where is_last) as revenue,
         count(*) filter (where is_last and status = 'shipped') as orders,
         round(100 * (sum(payment_amount) filter (where is_last) / sum(payment_amount) filter (where not is_last)
           - 1), 1) as change
       from (select *, date_id >= 20240422 as is_last from mart.f_sales where date_id between 20240415 and 20240428)
         as sales`,
    );
    const { revenue = '', orders = '', change = '' } = rows[0] ?? {};
    const figures = plain(/<dl class="figures">([^]*?)<\/dl>/.exec(page)?.[1] ?? '');
    assert.ok(
      figures.includes(`Last 7 days: ${revenue} (${Number(change) > 0 ? '+' : ''}${change}%)`),
      figures,
    );
    assert.ok(figures.includes(`Last 7 days: ${orders} (`), figures);
    assert.match(
      page,
      /The last 7 days are 2024-04-22 to 2024-04-28; changes are relative to the 7 days before/,
    );
    assert.match(page, /Of these 14 days not loaded: 1, /);
  });

  test('retention as shares of all customers of the week', async () => {
    const { rows } = await db.pool.query<{ shares: string[] }>(
      `select array[round(100.0 * new_customers_count / customers, 1) || '%',
         round(100.0 * returning_customers_count / customers, 1) || '%',
         round(100.0 * refunded_customers_count / customers, 1) || '%'] as shares
       from mart.f_customer_retention
       join (select period_id, count(distinct customer_id) as customers
         from mart.f_sales join mart.d_calendar using (date_id) group by 1) as week using (period_id)
       where ${IN_RANGE} order by period_id`,
    );
    assert.deepEqual(
      tableOf(page, 'Share of the week’s customers').body.map((row) => row.slice(2)),
      rows.map(({ shares }) => shares),
    );
  });

  test('what needs attention comes first: the newest day, its reason and the command; then all warnings', () => {
    const sections = [...page.matchAll(/<h2 id="\w+">([^<]*)</g)].map(([, title]) => title);
    assert.deepEqual(sections.slice(0, 2), ['Days that need attention', 'Warnings']);
    const [open = [], warned = []] = listsOf(page);
    assert.deepEqual(open, [
      '2024-04-27: not in the mart npm run client -- run --date 2024-04-27',
      '2024-04-02 to 2024-04-03: failed A file as a whole is not what it should be, or too many of its rows are bad. ' +
        `As recorded (2) 2024-04-03: user_order_log_inc is &lt;empty&gt;. ${LONG_WORD} Nothing was changed. Have the file corrected at its source and run the day again. ` +
        '2024-04-02: user_order_log_inc is &lt;empty&gt;. Nothing was changed. Have the file corrected at its source and run the day again. ' +
        'npm run client -- backfill --from 2024-04-02 --to 2024-04-03 --only-missing',
      '2024-03-19: missing npm run client -- run --date 2024-03-19',
    ]);
    assert.deepEqual(warned.slice(0, 4), [
      '2024-04-10 Accepted without customer_research_inc.',
      '2024-04-10 price_log_inc has far fewer rows than usual; check at the source whether it is complete. As recorded ' +
        '(1) 2024-04-10: price_log_inc kept 2 rows; the median is 40',
      '2024-04-10 price_log_inc: a quoted field spans lines; check that a stray quote has not swallowed rows. As recorded ' +
        '(1) 2024-04-10: price_log_inc: a quoted field spans lines',
      '2024-03-18 Note: мало 2024-03-18',
    ]);
    assert.equal(warned.length, 20);
    assert.match(
      page,
      /More entries: 7\.\s+<code[^>]*>npm run client -- status --from 2024-02-05 --to 2024-04-28</,
    );
    const stray = ['1970-01-01', '1970-01-02', '2062-02-25', '2961-01-01', '2962-01-01'];
    assert.ok(
      page.includes(stray.map((date) => `${date} (1)`).join(', ')),
      'dates that no delivery is about',
    );
  });

  test('equal warnings are one entry with their days; a day of which files are missing', async () => {
    const needed = ['user_activity_log_inc', 'customer_research_inc'];
    await db.pool.query(
      `insert into staging.file_load select '2024-03-19', unnest($1::text[]), 1, 1, 'x', 1, 1, 1, 0, 0, '{}', 'w', 'r', 1, now(), now()`,
      [fileNames('increment').filter((file) => !needed.includes(file))],
    );
    const part = await pageOf(['--from', '2024-03-19', '--to', '2024-04-09']);
    await db.pool.query(`delete from staging.file_load where load_date = '2024-03-19'`);
    assert.match(part, /Needs user_activity_log_inc, customer_research_inc\./);
    const [, warned = []] = listsOf(part);
    assert.equal(warned.length, 1);
    assert.match(
      warned[0] ?? '',
      /^2024-04-04 to 2024-04-09, 2024-03-20 to 2024-04-01 \(days: 19\) user_order_log_inc: columns that are unknown are ignored, number 14\. As recorded/,
    );
  });

  test('in Russian, nothing of it is left in English but names, commands and what runs have recorded', async () => {
    const russian = await pageOf(['--language', 'ru']);
    assert.match(russian, /<html lang="ru">[^]*<h1>Отчёт о продажах<\/h1>/);
    const left = russian
      .replace(/<style>[^]*?<\/style>/g, '')
      .replace(/<(span|code) lang="en">[^]*?<\/\1>/g, '')
      // What the data names: items, files, columns and tables.
      .replace(/&lt;[^]*?&gt;/g, '')
      .replace(/\w+…|\w+_\w+|staging\.\w+|quantity|status|UTC|alert\(|\{b\|/g, '');
    const shown = [...left.matchAll(/>([^<]+)<|aria-label="([^"]*)"/g)].map(
      ([, text, label]) => text ?? label ?? '',
    );
    assert.ok(shown.length > 300);
    assert.deepEqual(
      shown.filter((text) => /[a-z]{3}/i.test(text.replace(/&\w+;/g, ''))),
      [],
    );
    assert.equal(russian.match(/<table>/g)?.length, page.match(/<table>/g)?.length);
  });

  test('the days of the calendar with their states, and rejected rows by reason without their text', () => {
    const lines = tableOf(page, 'Deliveries').body.map((row) => row.slice(0, 3).join(' | '));
    assert.deepEqual(lines, [
      '2024-02-05 to 2024-02-22 | loaded | 18',
      '2024-02-23 | no increment | 1',
      '2024-02-24 to 2024-03-07 | loaded | 13',
      '2024-03-08 | no increment | 1',
      '2024-03-09 to 2024-03-18 | loaded | 10',
      '2024-03-19 | missing | 1',
      '2024-03-20 to 2024-04-01 | loaded | 13',
      '2024-04-02 to 2024-04-03 | failed | 2',
      '2024-04-04 to 2024-04-26 | loaded | 23',
      '2024-04-27 | not in the mart | 1',
      '2024-04-28 | loaded | 1',
    ]);
    assert.match(page, /; loaded: 78, no increment: 2, missing: 1, failed: 2, not in the mart: 1\.</);
    const { body, foot } = tableOf(page, 'Rejected rows by reason');
    assert.equal(body.length, 4);
    assert.equal(foot.at(-1), '41');
    assert.doesNotMatch(page, /Секретная/);
  });

  test('a mart with many and hostile names makes a small page of text, without a script or an address', () => {
    const cities = tableOf(page, 'Revenue per city').body;
    assert.deepEqual([cities.length, cities.at(-1)?.[0]], [16, 'Others (9)']);
    assert.equal(tableOf(page, 'Revenue per item').body.at(-1)?.[0], 'Others (4)');
    assert.ok(page.length < 600_000, `${page.length} characters`);
    assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;Сыр&#39;'));
    assert.match(page, /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; /);
    assert.doesNotMatch(
      page,
      /<(?:script|img|iframe|object|embed|form|base)\b|@import|url\((?!#)|javascript:/i,
    );
    const tags = page.replaceAll(/&lt;.*?&gt;/g, '');
    assert.doesNotMatch(tags, /\b(?:src|href|action|poster)="(?!#|data:,)| on\w+="/i);
  });

  test('--from and --to narrow it; a part of a week shows the whole week', async () => {
    const part = await pageOf(['--from', '2024-02-14', '--to', '2024-02-20']);
    const { rows } = await db.pool.query<{ revenue: string }>(
      'select sum(payment_amount) as revenue from mart.f_sales where date_id between 20240214 and 20240220',
    );
    assert.equal(tableOf(part, 'Revenue per day').foot[3], rows[0]?.revenue);
    assert.deepEqual(
      tableOf(part, 'Customers per week').body.map(([week]) => week),
      ['2024-W07', '2024-W08'],
    );
    assert.deepEqual(tableOf(part, 'Deliveries').body[0]?.slice(0, 3), [
      '2024-02-14 to 2024-02-20',
      'loaded',
      '7',
    ]);
    assert.match(part, /Every day that is due is loaded\./);
    assert.doesNotMatch(part, /Last 7 days/, 'less than 14 days');
  });

  test('a range without sales says so', async () => {
    const part = await pageOf(['--from', '2023-01-01', '--to', '2023-01-31']);
    assert.equal(part.match(/No sales in this range\./g)?.length, 4);
    assert.match(part, /No day in this range is due yet\./);
    assert.match(part, /No rows were rejected in this range\./);
  });

  test('twenty years fit', async () => {
    const part = await pageOf(['--from', '2010-01-01', '--to', '2029-12-31']);
    assert.ok(part.includes('2010-01-01 to 2029-12-31'));
  });

  test('an empty mart gives a page that says so', async (t) => {
    const empty = await databaseFor(t);
    const file = path.join(directory, 'empty.html');
    const ended = await run(['--out', file, '--json'], empty);
    assert.deepEqual(JSON.parse(ended.stdout), { file, weeks: 0, days: 0 });
    assert.match(await readFile(file, 'utf8'), /The mart is empty/);
  });

  test('a place that cannot be written to ends with 1 and leaves nothing behind', async () => {
    const ended = await run(['--out', path.join(directory, 'nowhere', 'page.html')]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^Cannot write the report to .*nowhere/);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});
