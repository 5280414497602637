import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import Papa from 'papaparse';
import { FileRefused } from '../../pipeline/validate/file-refused.ts';
import { MAX_FIELD_BYTES, RecordSplitter, type CsvRecord } from '../../pipeline/validate/record-splitter.ts';

interface Split {
  text: string;
  line: number;
  quotedFields: number;
  malformed: boolean;
}

function split(data: Buffer, chunkBytes = data.length || 1): Split[] {
  const records: Split[] = [];
  const splitter = new RecordSplitter();
  const take = (found: Iterable<CsvRecord>) => {
    for (const { data: bytes, start, end, line, quotedFields, malformed } of found) {
      records.push({ text: bytes.toString('utf8', start, end), line, quotedFields, malformed });
    }
  };
  for (let at = 0; at < data.length; at += chunkBytes) {
    take(splitter.push(data.subarray(at, at + chunkBytes)));
  }
  take(splitter.end());
  return records;
}

/** A quote inside it is stray. */
const plainField = fc.stringMatching(/^([a-zА-Яё0-9 .;'\\🍏€-][a-zА-Яё0-9 .;"'\\🍏€-]{0,11})?$/u);
const quotedField = fc
  .stringMatching(/^[a-zА-Яё0-9 .,"\n\r🍏€-]{0,12}$/u)
  .map((text) => `"${text.replaceAll('"', '""')}"`);
const record = fc
  .array(fc.oneof(plainField, quotedField), { minLength: 1, maxLength: 6 })
  .map((fields) => fields.join(','))
  // A blank line is no record.
  .filter((text) => text !== '');
/** Each with its line end. */
const records = fc.array(fc.tuple(record, fc.constantFrom('\n', '\r\n')), { maxLength: 20 });

/** The text of a file and the records that must come out of it. */
function written(records: [string, string][], blankLines: boolean, finalLineEnd: boolean) {
  let text = '';
  let line = 1;
  const expected = records.map(([record, end], index) => {
    if (blankLines && index % 3 === 1) {
      text += end;
      line += 1;
    }
    const at = line;
    line += record.split('\n').length;
    text += index === records.length - 1 && !finalLineEnd ? record : record + end;
    const [fields = []] = Papa.parse<string[]>(record, { delimiter: ',', newline: '\n' }).data;
    const quotedFields = record.includes('"') ? fields.length : 0;
    return { text: record, line: at, quotedFields, malformed: false };
  });
  return { data: Buffer.from(text), expected };
}

test('records are those that were written, with line and number of fields, for every chunk size', () => {
  fc.assert(
    fc.property(records, fc.boolean(), fc.boolean(), (...content) => {
      const { data, expected } = written(...content);
      for (let size = 1; size <= data.length + 4; size = Math.ceil(size * 1.6))
        assert.deepEqual(split(data, size), expected, `chunks of ${size} bytes`);
    }),
    { numRuns: 100 },
  );
});

test('a CR at the end of the file ends a line; text behind a closing quote makes one record malformed', () => {
  for (const text of ['a', '"a"']) assert.equal(split(Buffer.from(`${text}\r`))[0]?.text, text);
  const rows = split(Buffer.from('"a",1\n"b"x,1\n"c" ,1\n"d"\r,1\n"e"\r\n'));
  assert.deepEqual(
    rows.map(({ malformed }) => malformed),
    [false, true, true, true, false],
  );
});

describe('what refuses a file', () => {
  const text = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const small: [what: string, data: Buffer, message: RegExp][] = [
    [
      'a quote that never closes, by the line where it opened',
      text(`a,b\n"x\ny",1\n1,"never closed\n${'more,rows\n'.repeat(50)}`),
      /quote that opens a field on line 4 /,
    ],
    [
      'one that seems to close on a later line: it would swallow rows',
      text('a,b\n1,"never closed\n2,plain\n3,"quoted"\n4,plain\n'),
      /quote that opens a field on line 2 /,
    ],
    [
      'bytes that are not UTF-8',
      text('a\n"b\nc"\nпривет\nx', [0xcf, 0xf0], '\nz'),
      /^line 5 has bytes that are not UTF-8$/,
    ],
    ['half a letter at the end', text('a\nb', [0xd0]), /^line 2 has bytes/],
    ['a surrogate', Buffer.from('\ud800\n', 'utf16le'), /^line 1 has bytes/],
    ['an overlong NUL', text([0xc0, 0x80, 0x0a]), /^line 1 has bytes/],
  ];
  for (const [what, data, message] of small)
    test(what, () => {
      for (const size of [1, 2, 3, 7, 64, 4_096]) refused(data, size, message);
    });

  test('a field over 1 MiB, quoted or not, and a line over 8 MiB; not one of exactly 1 MiB', () => {
    const long = 'x'.repeat(MAX_FIELD_BYTES);
    const fields = `${'x'.repeat(1_000)},`;
    for (const size of [MAX_FIELD_BYTES, 16 * MAX_FIELD_BYTES]) {
      assert.equal(split(Buffer.from(`a,${long},b\n`), size).length, 1);
      refused(text(`h\na,${long}x,b\n`), size, /^line 2 has a field longer than 1 MiB$/);
      refused(text(`h\na,"${long}x",b\n`), size, /^line 2 has a field longer than 1 MiB$|on line 2 /);
      refused(text(`h\na,${long}x`), size, /^line 2 has a field longer than 1 MiB$/);
      assert.equal(split(Buffer.from(`${fields.repeat(8_000)}\nb\n`), size).length, 2);
      refused(text(`h\n${fields.repeat(8_400)}\n`), size, /^line 2 is longer than 8 MiB$/);
    }
  });

  // When the line end is looked for at every field it takes longer than a file of tests may.
  test('takes no more than linear time on hostile lines', () => {
    for (const hostile of ['"",', '"a",', ',', '""']) {
      const line = hostile === '""' ? `"${hostile.repeat(500_000)}"` : hostile.repeat(2_000_000);
      assert.equal(split(Buffer.from(`${line}\n${line}`), MAX_FIELD_BYTES).length, 2);
    }
    refused(text(`"${'\n'.repeat(8_000_000)}`), MAX_FIELD_BYTES, /on line 1 /);
  });
});

function refused(data: Buffer, chunkBytes: number, message: RegExp): void {
  assert.throws(
    () => split(data, chunkBytes),
    (error: unknown) => error instanceof FileRefused && message.test(error.message),
  );
}
