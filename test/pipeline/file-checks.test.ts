import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FileRefused } from '../../pipeline/validate/file-refused.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { ordersCsv, PRICES_CSV, RESEARCH_CSV } from '../support/deliveries.ts';
import {
  ACTIVITY,
  ACTIVITY_HEADER,
  activity,
  activityFile,
  inScratch,
  ORDERS,
  checkCsv,
  PRICES,
  RESEARCH,
  type MoreOptions,
} from './support.ts';

const GOOD = ordersCsv([{ uniq_id: 'a' }, { uniq_id: 'b', city_name: 'Москва' }]);

async function assertRefused(
  file: string,
  content: string | Buffer,
  message: RegExp,
  more: MoreOptions = {},
): Promise<void> {
  for (const chunkBytes of [1, 5, 16, 1024 * 1024]) {
    // Byte by byte a large file would take minutes.
    if (chunkBytes < 1_000 && content.length > 10_000) continue;
    await assert.rejects(checkCsv(file, content, { ...more, chunkBytes }), (error: unknown) => {
      assert.ok(error instanceof FileRefused, String(error));
      assert.match(error.message, message);
      // The message goes to PostgreSQL, to Temporal and to a terminal.
      assert.doesNotMatch(error.message, /\0|\p{Surrogate}/u);
      return true;
    });
  }
}

describe('refused whole, with what was found', () => {
  const noColumn = '2024-02-25T00:00:00,1001,1,1,1012\n';
  const emojis = `id\0,${'😀'.repeat(30)},x${'😀'.repeat(30)}\n`;
  const cases: [what: string, message: RegExp, ...[file: string, content: string | Buffer][]][] = [
    [
      'nothing but blank lines, white space, a mark',
      /^the file is empty$/,
      ...['', '\ufeff', '\r\n\n\r\n', '  \n\t\n '].map((text): [string, string] => [ORDERS, text]),
    ],
    [
      'a page',
      /HTML or XML page; expected CSV/,
      [ORDERS, '\n <!DOCTYPE html>\n<html><body>502</body></html>'],
      [PRICES, '\ufeff<html lang="ru">,1\n'],
      [PRICES, '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ],
    [
      'JSON',
      /it is JSON/,
      [ORDERS, '{"status": "NOT FOUND", "debug_info": "Date is too early"}'],
      [PRICES, '{}'],
      [PRICES, ' [ {"id": 1} ]'],
    ],
    ['gzip', /a gzip archive/, [ORDERS, gzipSync(GOOD)]],
    ['ZIP', /a ZIP archive/, [PRICES, Buffer.from('PK\u0003\u0004 and so on, more bytes')]],
    ['Zstandard', /a Zstandard archive/, [PRICES, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3])]],
    [
      'UTF-16',
      /UTF-16 text/,
      [ORDERS, Buffer.from(`\ufeff${GOOD}`, 'utf16le')],
      [PRICES, Buffer.from(`\ufeff${PRICES_CSV}`, 'utf16le').swap16()],
    ],
    [
      'UTF-16 without a mark',
      /header lacks the columns id/,
      [ACTIVITY, Buffer.from(ACTIVITY_HEADER, 'utf16le')],
    ],
    [
      'semicolons',
      /separated by semicolons; expected commas/,
      [ORDERS, GOOD.replaceAll(',', ';')],
      [PRICES, PRICES_CSV.replaceAll(',', ';')],
      [PRICES, 'Молоко 1%;99,50\nТоматы;50,00\n'],
    ],
    ['tabs', /separated by tabs/, [ACTIVITY, activityFile([activity(1, 'a')]).replaceAll(',', '\t')]],
    ['vertical bars', /separated by vertical bars/, [RESEARCH, RESEARCH_CSV.replaceAll(',', '|')]],
    [
      'CR alone as line end',
      /end with CR alone/,
      [ORDERS, GOOD.replaceAll('\n', '\r')],
      [ORDERS, `${ordersCsv([], { withStatus: true }).trim()}\r1,2`],
    ],
    [
      'a missing column',
      /lacks the column customer_id; it has id, uniq_id, .*quantity and 0 unknown$/,
      [ACTIVITY, 'id,uniq_id,date_time,action_id,quantity\n'],
    ],
    ['several', /lacks the columns category_id, sales_amt;/, [RESEARCH, 'date_id,geo_id,sales_qty\n']],
    ['all', /lacks the columns date_id, .*; it has no known column and 5 unknown$/, [RESEARCH, noColumn]],
    ['a repeated column', /has the column "quantity" twice/, [ACTIVITY, `${ACTIVITY_HEADER},quantity\n`]],
    ['an unknown one', /has the column number 7 twice/, [ACTIVITY, `${ACTIVITY_HEADER},note,note\n`]],
    ['a NUL byte and an emoji in the header', /lacks the columns/, [ACTIVITY, emojis]],
  ];
  for (const [what, message, ...files] of cases)
    test(what, async () => {
      for (const [file, content] of files) await assertRefused(file, content, message);
    });

  /** Checks these chunks as activities. */
  const checked = (chunks: AsyncGenerator<Buffer>) =>
    inScratch((directory) =>
      checkFile(chunks, 'user_activity_log', new CheckedRows(directory, 1), { maxRejectedShare: 1 }),
    );

  test('an unclosed quote does not keep the rest of 200 MB in memory', async () => {
    const head = `${ACTIVITY_HEADER}\n${activity(1, 'a')}\n2,"b,`;
    const mebibyte = Buffer.from(`${activity(3, 'c'.repeat(63))}\n`.padEnd(128, ' ').repeat(8_192));
    let read = 0;
    async function* chunks() {
      yield Buffer.from(head);
      for (; read < 200; read += 1) yield await Promise.resolve(mebibyte);
    }
    const before = process.resourceUsage().maxRSS;
    await assert.rejects(checked(chunks()), /opens a field on line 3 /);
    assert.equal(read, 200, 'whoever keeps the bytes on their way gets all of them');
    assert.ok(process.resourceUsage().maxRSS - before < 30 * 1024);
  });

  test('what breaks off on its way is no file that could be refused', async () => {
    async function* chunks() {
      yield Buffer.from('no header\n');
      await Promise.resolve();
      throw new Error('interrupted');
    }
    await assert.rejects(checked(chunks()), /^Error: interrupted$/);
  });
});

test('the share of bad rows may be reached exactly; beyond it the file is refused with the first reasons; repeats count', async () => {
  const rows = (good: number, bad: number) =>
    activityFile([
      ...Array.from({ length: bad }, (_, n) => activity(n, `bad${n % 3}`, 'many')),
      ...Array.from({ length: good }, (_, n) => activity(n, `good${n % 3}`)),
    ]);
  for (let bad = 0; bad <= 100; bad += 1) {
    const checked = await checkCsv(ACTIVITY, rows(100 - bad, bad), { maxRejectedShare: bad / 100 });
    assert.equal(checked.rowsRejected, bad);
  }
  await assertRefused(
    ACTIVITY,
    rows(16, 4),
    /^4 of its 20 rows \(20\.0 %\) are bad, .*\(0\.19\); first: line 2: quantity is not an integer\. line 3: .* line 4: [^:]*$/,
    { maxRejectedShare: 0.19 },
  );
  await assertRefused(ACTIVITY, rows(0, 1), /^1 of its 1 rows \(100\.0 %\)/, { maxRejectedShare: 0.99 });
});

describe('tolerated', () => {
  const plain = activityFile([activity(1, 'a'), activity(2, 'Ё')]);
  const withHeader = (more: string, value: string) =>
    plain.replace(ACTIVITY_HEADER, ACTIVITY_HEADER + more).replace(/,1$/gm, `,1${value}`);
  const cases: [name: string, content: string, warnings?: string[]][] = [
    ['byte order marks, however often they are repeated', `${'\ufeff'.repeat(20)}${plain}`],
    ['mixed line ends, and none at the end', plain.replace('\n', '\r\n').trimEnd()],
    ['blank lines, also first and last', `\n\r\n${plain.replaceAll('\n', '\n\r\n\n')}\n`],
    ['a byte order mark behind a blank line, before a quoted name', `\n\ufeff${plain.replace('id', '"id"')}`],
    ['quoted fields and names', plain.replace(/[^,\n]+/g, '"$&"')],
    ['spaces around names', plain.replace(ACTIVITY_HEADER, ACTIVITY_HEADER.replaceAll(',', ' , '))],
    [
      'another order of columns',
      'uniq_id,quantity,customer_id,id,action_id,date_time\na,1,891,1,0,2024-02-25T00:00:00\n"Ё",1,891,2,0,2024-02-25T00:00:00',
    ],
    [
      'an unknown column, with a warning',
      withHeader(',__proto__', ',more'),
      ['column 7 is unknown and ignored'],
    ],
    ['nameless columns, with one', withHeader(',,', ',,'), ['columns 7, 8 are unknown and ignored']],
  ];
  for (const [name, content, expected = []] of cases) {
    test(name, async () => {
      const { rows: plainRows } = await checkCsv(ACTIVITY, plain);
      for (const chunkBytes of [1, 2, 3, 17, 1024]) {
        const { rows, warnings, rowsRejected } = await checkCsv(ACTIVITY, content, { chunkBytes });
        assert.deepEqual([rows, warnings, rowsRejected], [plainRows, expected, 0]);
      }
    });
  }

  test('very many unknown columns, by position: no name of a foreign file is quoted', async () => {
    const names = Array.from({ length: 200_000 }, (_, n) => `c${n}`).join(',');
    const { warnings } = await checkCsv(ACTIVITY, `${ACTIVITY_HEADER},${names}\n`);
    assert.deepEqual(warnings, [
      'columns 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 and 199990 more are unknown and ignored',
      'the file has no rows',
    ]);
  });

  test('nothing but a header, or nothing at all where the feed has none: no rows, and a warning', async () => {
    const header = ordersCsv([]).trimEnd();
    for (const [file, content] of [
      ...['', '\n', '\r\n', '\n\n'].map((end) => [ORDERS, header + end] as const),
      ...['', '  \n\t\n ', '\ufeff\ufeff'].map((text) => [PRICES, text] as const),
    ]) {
      const { rowsRead, rows, warnings } = await checkCsv(file, content);
      assert.deepEqual([rowsRead, rows, warnings], [0, [], ['the file has no rows']]);
    }
  });

  test('a quoted field that spans lines, with a warning that names its line', async () => {
    const csv = `${PRICES_CSV}"Сыр\nтвёрдый",10\nХлеб,5\n"a\n\nb",6\n`;
    const { rows, warnings } = await checkCsv(PRICES, csv);
    assert.equal(rows.length, 5);
    assert.deepEqual(warnings, ['quoted fields span lines in the rows at lines 3, 6']);
  });

  test('a first price whose name has another delimiter, or that is a bad row', async () => {
    const { rows, rejected } = await checkCsv(PRICES, 'Чай; чёрный\nМолоко; 1%,100\nЧай | чёрный,50\n');
    assert.deepEqual(
      rows.map(({ values }) => values['name']),
      ['Молоко; 1%', 'Чай | чёрный'],
    );
    assert.equal(rejected[0]?.line, 1);
  });

  test('no status column: every row is shipped', async () => {
    const { rows } = await checkCsv(ORDERS, ordersCsv([{ uniq_id: 'a' }], { withStatus: false }));
    assert.equal(rows[0]?.values['status'], 'shipped');
  });
});
