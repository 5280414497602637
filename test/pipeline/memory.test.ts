import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { activity, ACTIVITY_HEADER, inScratch } from './support.ts';

const ROWS_OF_A_CHUNK = 500;

async function* fileOf(rows: number): AsyncGenerator<Buffer> {
  yield Buffer.from(`${ACTIVITY_HEADER}\n`);
  for (let first = 0; first < rows; first += ROWS_OF_A_CHUNK) {
    // As in a real file, one row in seven is new.
    const lines = Array.from({ length: ROWS_OF_A_CHUNK }, (_, n) =>
      activity(first + n, `order ${(first + n) % (rows / 7)}`.padEnd(100)),
    );
    yield await Promise.resolve(Buffer.from(`${lines.join('\n')}\n`));
  }
}

test('memory does not grow with the file: a million rows take no more than a hundred thousand', (t) =>
  inScratch(async (directory) => {
    const peakMib = async (rows: number) => {
      const checked = new CheckedRows(directory, 1);
      const { rowsRead, rowsRejected } = await checkFile(fileOf(rows), 'user_activity_log', checked, {
        maxRejectedShare: 0,
        // So small that both files fill it: the window is what memory may be spent on.
        windowBytes: 1024 * 1024,
      });
      await checked.close();
      assert.deepEqual([rowsRead, rowsRejected], [rows, 0]);
      // The highest this process has had, so the order of the two files matters.
      return process.resourceUsage().maxRSS / 1024;
    };
    const [small, large] = [await peakMib(105_000), await peakMib(1_001_000)];
    t.diagnostic(`${Math.round(small)} MiB, ${Math.round(large)} MiB`);
    assert.ok(large - small < 100, `${large - small} MiB more`);
  }));
