import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { writeIncrement } from '../../dev/sample-api/write-increment.ts';
import type { CheckedFile } from '../../domain/day.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { inScratch, landedFile, LOAD_DATE, ORDERS } from './support.ts';

const MEBIBYTE = 1024 * 1024;

test('memory does not grow with the file: a million rows take no more than a hundred thousand', (t) =>
  inScratch(async (directory) => {
    for (const orders of [15_000, 147_000]) {
      await writeIncrement(path.join(directory, String(orders)), LOAD_DATE, { orders });
    }
    const checkOrders = async (
      orders: number,
    ): Promise<CheckedFile & { seconds: number; peakMib: number }> => {
      const csv = path.join(directory, String(orders), `${ORDERS}.csv`);
      const paths = { csv, rows: path.join(directory, 'rows'), rejected: path.join(directory, 'rejected') };
      const landed = await landedFile(ORDERS, csv);
      const started = performance.now();
      const checked = await checkFile(paths, landed, {
        maxRejectedShare: 0,
        // So small that both files fill it: the window is what memory may be spent on.
        windowBytes: 4 * MEBIBYTE,
      });
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
