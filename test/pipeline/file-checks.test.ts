import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { incrementLines } from '../../dev/sample-api/generate-increment.ts';
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
  const cases: [name: string, file: string, content: string | Buffer, message: RegExp][] = [
    ['an empty file', ORDERS, '', /^the file is empty$/],
    ['nothing but a byte order mark', ORDERS, '\ufeff', /^the file is empty$/],
    ['nothing but blank lines', ORDERS, '\r\n\n\r\n', /^the file is empty$/],
    ['nothing but white space', ORDERS, '  \n\t\n ', /^the file is empty$/],
    ['HTML', ORDERS, '\n <!DOCTYPE html>\n<html><body>502</body></html>', /HTML or XML page; expected CSV/],
    ['HTML behind a byte order mark', PRICES, '\ufeff<html lang="ru">,1\n', /HTML or XML page/],
    ['an XML error', PRICES, '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /HTML or XML/],
    ['a JSON object', ORDERS, '{"status": "NOT FOUND", "debug_info": "Date is too early"}', /it is JSON/],
    ['an empty JSON object', PRICES, '{}', /it is JSON/],
    ['a JSON array', PRICES, ' [ {"id": 1} ]', /it is JSON/],
    ['gzip', ORDERS, gzipSync(GOOD), /a gzip archive/],
    ['ZIP', PRICES, Buffer.from('PK\u0003\u0004 and so on, more bytes'), /a ZIP archive/],
    ['Zstandard', PRICES, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), /a Zstandard archive/],
    ['UTF-16', ORDERS, Buffer.from(`\ufeff${GOOD}`, 'utf16le'), /UTF-16 text/],
    ['UTF-16 (big endian)', PRICES, Buffer.from(`\ufeff${PRICES_CSV}`, 'utf16le').swap16(), /UTF-16 text/],
    [
      'UTF-16 without a mark',
      ACTIVITY,
      Buffer.from(activityFile([]), 'utf16le'),
      /the header lacks the columns id/,
    ],
    ['semicolons', ORDERS, GOOD.replaceAll(',', ';'), /separated by semicolons; expected commas/],
    ['tabs', ACTIVITY, activityFile([activity(1, 'a')]).replaceAll(',', '\t'), /separated by tabs/],
    ['vertical bars', RESEARCH, RESEARCH_CSV.replaceAll(',', '|'), /separated by vertical bars/],
    ['semicolons without a header', PRICES, PRICES_CSV.replaceAll(',', ';'), /separated by semicolons/],
    ['semicolons and a decimal comma', PRICES, 'Молоко 1%;99,50\nТоматы;50,00\n', /separated by semicolons/],
    [
      'CR alone as line end',
      ORDERS,
      GOOD.replaceAll('\n', '\r'),
      /lines seem to end with CR alone|lacks the column/,
    ],
    [
      'CR alone, status last',
      ORDERS,
      `${ordersCsv([], { withStatus: true }).trim()}\r1,2`,
      /end with CR alone/,
    ],
    [
      'a missing column',
      ACTIVITY,
      'id,uniq_id,date_time,action_id,quantity\n',
      /lacks the column customer_id; it has id, uniq_id, .*quantity and 0 unknown$/,
    ],
    ['missing columns', RESEARCH, 'date_id,geo_id,sales_qty\n', /lacks the columns category_id, sales_amt;/],
    [
      'no header where one is due',
      ACTIVITY,
      `${activity(1, 'a')}\n`,
      /^the header lacks the columns id, .*; it has no known column and 6 unknown$/,
    ],
    ['a repeated column', ACTIVITY, `${ACTIVITY_HEADER},quantity\n`, /has the column "quantity" twice/],
    [
      'a repeated unknown column',
      ACTIVITY,
      `${ACTIVITY_HEADER},note,note\n`,
      /has the column number 7 twice/,
    ],
    [
      'an unclosed quote',
      ACTIVITY,
      activityFile([activity(1, 'a'), '2,"b', activity(3, 'c')]),
      /opens a field on line 3 /,
    ],
    [
      'a NUL byte and an emoji in the header',
      ACTIVITY,
      `id\0,${'😀'.repeat(30)},x${'😀'.repeat(30)}\n`,
      /lacks the columns/,
    ],
  ];
  for (const [name, file, content, message] of cases) {
    test(name, () => assertRefused(file, content, message));
  }

  test('an unclosed quote does not keep the rest of 200 MB in memory', async () => {
    const head = `${ACTIVITY_HEADER}\n${activity(1, 'a')}\n2,"b,`;
    const mebibyte = Buffer.from(`${activity(3, 'c'.repeat(63))}\n`.padEnd(128, ' ').repeat(8_192));
    let read = 0;
    async function* chunks() {
      yield Buffer.from(head);
      for (; read < 200; read += 1) yield await Promise.resolve(mebibyte);
    }
    await inScratch(async (directory) => {
      const before = process.resourceUsage().maxRSS;
      const refusal = checkFile(chunks(), 'user_activity_log', new CheckedRows(directory, 1), {
        maxRejectedShare: 1,
      });
      await assert.rejects(refusal, /opens a field on line 3 /);
      assert.equal(read, 200, 'whoever keeps the bytes on their way gets all of them');
      assert.ok(process.resourceUsage().maxRSS - before < 30 * 1024);
    });
  });

  test('what breaks off on its way is no file that could be refused', async () => {
    async function* chunks() {
      yield Buffer.from('no header\n');
      await Promise.resolve();
      throw new Error('interrupted');
    }
    await inScratch(async (directory) => {
      const checked = checkFile(chunks(), 'user_activity_log', new CheckedRows(directory, 1), {
        maxRejectedShare: 1,
      });
      await assert.rejects(checked, /^Error: interrupted$/);
    });
  });
});

describe('the share of bad rows', () => {
  const rows = (good: number, bad: number) =>
    activityFile([
      ...Array.from({ length: bad }, (_, n) => activity(n, `bad${n}`, `many${n}`)),
      ...Array.from({ length: good }, (_, n) => activity(n, `good${n}`)),
    ]);

  test('may be reached exactly, for every share of a hundred', async () => {
    for (let bad = 0; bad <= 100; bad += 1) {
      const { rowsRejected } = await checkCsv(ACTIVITY, rows(100 - bad, bad), {
        maxRejectedShare: bad / 100,
      });
      assert.equal(rowsRejected, bad);
    }
  });

  test('beyond it the file is refused with the first reasons', async () => {
    await assertRefused(
      ACTIVITY,
      rows(16, 4),
      /^4 of its 20 rows \(20\.0 %\) are bad, .*\(0\.19\); first: line 2: quantity is not an integer\. line 3: .* line 4: [^:]*$/,
      { maxRejectedShare: 0.19 },
    );
    await assertRefused(ACTIVITY, rows(0, 1), /^1 of its 1 rows \(100\.0 %\)/, { maxRejectedShare: 0.99 });
  });

  test('counts every repeat of a bad and of a good row', async () => {
    const good = activity(1, 'good');
    const bad = activity(1, 'bad', 'x');
    const csv = activityFile([...Array.from({ length: 9 }, () => good), bad]);
    assert.equal((await checkCsv(ACTIVITY, csv, { maxRejectedShare: 0.1 })).rowsRejected, 1);
    await assertRefused(ACTIVITY, activityFile([good, bad, bad]), /^2 of its 3 rows/, {
      maxRejectedShare: 0.5,
    });
  });
});

describe('tolerated', () => {
  const plain = activityFile([activity(1, 'a'), activity(2, 'Ё')]);
  const cases: [name: string, content: string][] = [
    ['a byte order mark', `\ufeff${plain}`],
    ['CRLF', plain.replaceAll('\n', '\r\n')],
    ['mixed line ends', plain.replace('\n', '\r\n')],
    ['no final line end', plain.trimEnd()],
    ['blank lines, also first and last', `\n\r\n${plain.replaceAll('\n', '\n\r\n\n')}\n`],
    ['quoted fields and names', plain.replace(/[^,\n]+/g, '"$&"')],
    ['spaces around names', plain.replace(ACTIVITY_HEADER, ACTIVITY_HEADER.replaceAll(',', ' , '))],
  ];
  for (const [name, content] of cases) {
    test(name, async () => {
      const expected = (await checkCsv(ACTIVITY, plain)).rows;
      for (const chunkBytes of [1, 2, 3, 17, 1024]) {
        const { rows, warnings, rowsRejected } = await checkCsv(ACTIVITY, content, { chunkBytes });
        assert.deepEqual({ rows, warnings, rowsRejected }, { rows: expected, warnings: [], rowsRejected: 0 });
      }
    });
  }

  test('columns in another order, the id among them, quoted or not', async () => {
    const expected = (await checkCsv(ACTIVITY, plain)).rows;
    const header = 'uniq_id,quantity,customer_id,id,action_id,date_time';
    for (const quote of ['', '"']) {
      const rows = ['a', 'Ё'].map((key, n) => `${quote}${key}${quote},1,891,${n + 1},0,2024-02-25T00:00:00`);
      assert.deepEqual((await checkCsv(ACTIVITY, [header, ...rows].join('\n'))).rows, expected);
    }
  });

  test('an unknown extra column, with a warning', async () => {
    const csv = plain.replace(ACTIVITY_HEADER, `${ACTIVITY_HEADER},__proto__`).replace(/,1$/gm, ',1,more');
    const { rows, warnings } = await checkCsv(ACTIVITY, csv);
    assert.deepEqual(rows, (await checkCsv(ACTIVITY, plain)).rows);
    assert.deepEqual(warnings, ['column 7 is unknown and ignored']);
  });

  test('very many unknown columns, by position: no name of a foreign file is quoted', async () => {
    const names = Array.from({ length: 200_000 }, (_, n) => `c${n}`).join(',');
    const { warnings } = await checkCsv(ACTIVITY, `${ACTIVITY_HEADER},${names}\n`);
    assert.deepEqual(warnings, [
      'columns 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 and 199990 more are unknown and ignored',
      'the file has no rows',
    ]);
  });

  test('several nameless columns at the end, with one warning', async () => {
    const csv = plain.replace(ACTIVITY_HEADER, `${ACTIVITY_HEADER},,`).replace(/,1$/gm, ',1,,');
    const { rows, warnings } = await checkCsv(ACTIVITY, csv);
    assert.deepEqual(rows, (await checkCsv(ACTIVITY, plain)).rows);
    assert.deepEqual(warnings, ['columns 7, 8 are unknown and ignored']);
  });

  test('byte order marks, however often they are repeated', async () => {
    for (const chunkBytes of [1, 7, 1024]) {
      const { rows, warnings } = await checkCsv(ACTIVITY, '\ufeff'.repeat(20) + plain, { chunkBytes });
      assert.deepEqual(rows, (await checkCsv(ACTIVITY, plain)).rows);
      assert.deepEqual(warnings, []);
    }
  });

  test('a file of 0 bytes, white space or byte order marks, where the feed has no header: no rows', async () => {
    for (const content of ['', '  \n\t\n ', '\ufeff\ufeff']) {
      const { rows, warnings } = await checkCsv(PRICES, content);
      assert.deepEqual({ rows, warnings }, { rows: [], warnings: ['the file has no rows'] });
    }
  });

  test('a quoted field that spans lines, with a warning that names its line', async () => {
    const csv = `${PRICES_CSV}"Сыр\nтвёрдый",10\nХлеб,5\n"a\n\nb",6\n`;
    const { rows, warnings } = await checkCsv(PRICES, csv);
    assert.equal(rows.length, 5);
    assert.deepEqual(warnings, ['quoted fields span lines in the rows at lines 3, 6']);
  });

  test('nothing but a header: no rows, and a warning', async () => {
    for (const end of ['', '\n', '\r\n', '\n\n']) {
      const { rowsRead, rows, warnings } = await checkCsv(ORDERS, ordersCsv([]).trimEnd() + end);
      assert.deepEqual(
        { rowsRead, rows, warnings },
        { rowsRead: 0, rows: [], warnings: ['the file has no rows'] },
      );
    }
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

  test('the four files of a generated day, whatever the chunk size', async () => {
    for (const date of ['2024-02-25', '2024-03-05']) {
      for (const [file, lines] of Object.entries(incrementLines(date))) {
        const content = [...lines()].join('');
        const whole = await checkCsv(file, content);
        assert.deepEqual(whole.warnings, []);
        assert.equal(whole.rowsRejected, 0);
        assert.equal(whole.rowsRead, content.trimEnd().split('\r\n').length - (file === PRICES ? 0 : 1));
        for (const chunkBytes of [101, 1_001]) {
          assert.deepEqual(await checkCsv(file, content, { chunkBytes }), whole);
        }
      }
    }
  });
});
