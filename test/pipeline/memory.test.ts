import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { writeIncrement } from '../../dev/sample-api/write-increment.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile, type Checked } from '../../pipeline/validate/check-file.ts';
import { inScratch, LOAD_DATE, ORDERS } from './support.ts';

const MEBIBYTE = 1024 * 1024;

test('memory does not grow with the file: a million rows take no more than a hundred thousand', (t) =>
  inScratch(async (directory) => {
    for (const orders of [15_000, 147_000]) {
      await writeIncrement(path.join(directory, String(orders)), LOAD_DATE, { orders });
    }
    const checkOrders = async (orders: number): Promise<Checked & { seconds: number; peakMib: number }> => {
      const csv = path.join(directory, String(orders), `${ORDERS}.csv`);
      const started = performance.now();
      const rows = new CheckedRows(directory, 1);
      const chunks = createReadStream(csv)[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
      const checked = await checkFile(chunks, 'user_order_log', rows, {
        maxRejectedShare: 0,
        // So small that both files fill it: the window is what memory may be spent on.
        windowBytes: 4 * MEBIBYTE,
      });
      await rows.close();
      const seconds = (performance.now() - started) / 1_000;
      // The highest this process has had, so the order of the two files matters.
      return { ...checked, seconds, peakMib: process.resourceUsage().maxRSS / 1024 };
    };
    const small = await checkOrders(15_000);
    const large = await checkOrders(147_000);
    t.diagnostic(
      `${small.rowsRead} rows: ${small.seconds.toFixed(2)} s, ${Math.round(small.peakMib)} MiB; ` +
        `${large.rowsRead} rows: ${large.seconds.toFixed(2)} s, ${Math.round(large.peakMib)} MiB`,
    );
    assert.equal(large.rowsRead, 1_002_356);
    assert.equal(large.rowsRejected, 0);
    assert.ok(large.peakMib - small.peakMib < 60, `${large.peakMib - small.peakMib} MiB more`);
  }));
