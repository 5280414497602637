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

const texts = (csv: string | Buffer, chunkBytes?: number) =>
  split(Buffer.from(csv), chunkBytes).map(({ text }) => text);

const CHUNK_SIZES = [...Array.from({ length: 200 }, (_, n) => n + 1), 255, 256, 257, 1_009, 1_024, 4_096];

const plainField = fc.stringMatching(/^[a-zА-Яё0-9 .;"'\\🍏€-]{0,12}$/u).filter((s) => !s.startsWith('"'));
const quotedField = fc
  .stringMatching(/^[a-zА-Яё0-9 .,"\n\r🍏€-]{0,12}$/u)
  .map((text) => `"${text.replaceAll('"', '""')}"`);
const record = fc
  .array(fc.oneof(plainField, quotedField), { minLength: 1, maxLength: 6 })
  .map((fields) => fields.join(','))
  // A blank line is no record.
  .filter((text) => text !== '');
const lineEnd = fc.constantFrom('\n', '\r\n');
interface Content {
  /** Each with its line end. */
  records: [string, string][];
  blankLines: boolean;
  finalLineEnd: boolean;
}

const file: fc.Arbitrary<Content> = fc.record({
  records: fc.array(fc.tuple(record, lineEnd), { maxLength: 20 }),
  blankLines: fc.boolean(),
  finalLineEnd: fc.boolean(),
});

/** The text of a file and the records that must come out of it. */
function written({ records, blankLines, finalLineEnd }: Content) {
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
    return { text: record, line: at };
  });
  return { data: Buffer.from(text), expected };
}

describe('records', () => {
  test('are those that were written, each with the line on which it starts', () => {
    fc.assert(
      fc.property(file, (content) => {
        const { data, expected } = written(content);
        const records = split(data);
        assert.deepEqual(
          records.map(({ text, line }) => ({ text, line })),
          expected,
        );
        assert.ok(records.every(({ malformed }) => !malformed));
      }),
      { numRuns: 500 },
    );
  });

  test('are the same for every chunk size', () => {
    fc.assert(
      fc.property(file, (content) => {
        const { data } = written(content);
        const whole = split(data);
        for (const size of CHUNK_SIZES) {
          assert.deepEqual(split(data, size), whole, `chunks of ${size} bytes`);
          if (size > data.length) break;
        }
      }),
      { numRuns: 30 },
    );
  });

  test('have as many fields as Papa Parse finds in them', () => {
    fc.assert(
      fc.property(file, (content) => {
        for (const { text, quotedFields } of split(written(content).data)) {
          const [fields] = Papa.parse<string[]>(text, { delimiter: ',', newline: '\n' }).data;
          assert.equal(quotedFields, text.includes('"') ? fields?.length : 0, text);
        }
      }),
    );
  });
});

describe('line ends', () => {
  test('may be LF, CRLF or mixed; blank lines and a missing last one do not count', () => {
    assert.deepEqual(texts('a,b\r\nc,d\n\r\n\n\ne,f'), ['a,b', 'c,d', 'e,f']);
    assert.deepEqual(texts('a\r\n'), ['a']);
    assert.deepEqual(texts('a\r'), ['a']);
    assert.deepEqual(texts('"a"\r'), ['"a"']);
    assert.deepEqual(texts(''), []);
    assert.deepEqual(texts('\n\r\n\n'), []);
  });

  test('inside quotes are text and count as lines', () => {
    assert.deepEqual(
      split(Buffer.from('h\n"a\nb\r\nc",1\nd\n"\n"\ne')).map(({ text, line }) => [line, text]),
      [
        [1, 'h'],
        [2, '"a\nb\r\nc",1'],
        [5, 'd'],
        [6, '"\n"'],
        [8, 'e'],
      ],
    );
  });
});

describe('quotes', () => {
  test('a stray quote inside a field swallows nothing', () => {
    assert.deepEqual(texts('5" экран,1\na"b,"c"\n"d",e"'), ['5" экран,1', 'a"b,"c"', '"d",e"']);
  });

  test('text behind a closing quote makes the record malformed, not its neighbours', () => {
    const records = split(Buffer.from('"a",1\n"b"x,1\n"c" ,1\n"d"\r,1\n"e"\r\n'));
    assert.deepEqual(
      records.map(({ malformed }) => malformed),
      [false, true, true, true, false],
    );
  });

  test('one that never closes is refused by the line where it opened, for every chunk size', () => {
    const data = Buffer.from(`a,b\n"x\ny",1\n1,"never closed\n${'more,rows\n'.repeat(50)}`);
    for (const size of [1, 2, 7, 64, 4_096]) refused(data, size, /quote that opens a field on line 4 /);
  });

  test('one that seems to close on a later line would swallow rows, and is refused by the line where it opened', () => {
    const data = Buffer.from('a,b\n1,"never closed\n2,plain\n3,"quoted"\n4,plain\n');
    for (const size of [1, 5, 4_096]) refused(data, size, /quote that opens a field on line 2 /);
  });
});

describe('what refuses a file', () => {
  test('bytes that are not UTF-8, by their line', () => {
    const bad = Buffer.concat([
      Buffer.from('a\n"b\nc"\nпривет\nx'),
      Buffer.from([0xcf, 0xf0]),
      Buffer.from('\nz'),
    ]);
    for (const size of [1, 2, 3, 9, 4_096]) refused(bad, size, /^line 5 has bytes that are not UTF-8$/);
    refused(Buffer.from([0x61, 0x0a, 0x62, 0xd0]), 4_096, /^line 2 has bytes/);
    refused(Buffer.from('\ud800\n', 'utf16le'), 4_096, /^line 1 has bytes/);
    refused(Buffer.from([0xc0, 0x80, 0x0a]), 4_096, /^line 1 has bytes/);
  });

  test('a field over 1 MiB, quoted or not; one of exactly 1 MiB is let in', () => {
    const long = 'x'.repeat(MAX_FIELD_BYTES);
    for (const size of [65_536, 4 * MAX_FIELD_BYTES]) {
      assert.equal(texts(`a,${long},b\n`, size).length, 1);
      refused(Buffer.from(`h\na,${long}x,b\n`), size, /^line 2 has a field longer than 1 MiB$/);
      refused(Buffer.from(`h\na,"${long}x",b\n`), size, /^line 2 has a field longer than 1 MiB$|on line 2 /);
      refused(Buffer.from(`h\na,${long}x`), size, /^line 2 has a field longer than 1 MiB$/);
    }
  });

  test('a line over 8 MiB', () => {
    const fields = `${'x'.repeat(1_000)},`;
    for (const size of [MAX_FIELD_BYTES, 16 * MAX_FIELD_BYTES]) {
      assert.equal(texts(`${fields.repeat(8_000)}\nb\n`, size).length, 2);
      refused(Buffer.from(`h\n${fields.repeat(8_400)}\n`), size, /^line 2 is longer than 8 MiB$/);
    }
  });

  // Some 2 s; when the line end is looked for at every field it takes longer than a file of tests may.
  test('takes no more than linear time on hostile lines', () => {
    for (const hostile of ['"",', '"a",', ',', '""']) {
      const line = hostile === '""' ? `"${hostile.repeat(500_000)}"` : hostile.repeat(2_000_000);
      assert.equal(texts(`${line}\n${line}`, 1024 * 1024).length, 2);
    }
    refused(Buffer.from(`"${'\n'.repeat(8_000_000)}`), 1024 * 1024, /on line 1 /);
  });
});

function refused(data: Buffer, chunkBytes: number, message: RegExp): void {
  assert.throws(
    () => split(data, chunkBytes),
    (error: unknown) => error instanceof FileRefused && message.test(error.message),
  );
}
