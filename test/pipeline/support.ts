import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { columnsInCopy, feedNamed, feedOfFile, type Feed } from '../../domain/feeds.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile, type CheckOptions } from '../../pipeline/validate/check-file.ts';
import type { Spool } from '../../runtime/spool.ts';

export const ORDERS = 'user_order_log_inc';
export const ACTIVITY = 'user_activity_log_inc';
export const RESEARCH = 'customer_research_inc';
export const PRICES = 'price_log_inc';
export const ACTIVITY_HEADER = 'id,uniq_id,date_time,action_id,customer_id,quantity';
export const LOAD_DATE = '2024-02-25';

export interface GoodRow {
  ordinal: number;
  /** By column; null for SQL's null. */
  values: Record<string, string | null>;
}

export type MoreOptions = Partial<CheckOptions> & { chunkBytes?: number };

/** The feed of an increment's file. */
export function feedOf(file: string): Feed {
  return feedNamed(feedOfFile(file));
}

/** Runs `checkFile` over this content and reads what it has written. */
export async function checkCsv(
  file: string,
  content: string | Buffer,
  { chunkBytes, ...more }: MoreOptions = {},
) {
  return await inScratch(async (directory) => {
    const checked = new CheckedRows(directory, NUMBER);
    try {
      const chunks = chunksOf(Buffer.from(content), chunkBytes);
      const result = await checkFile(chunks, feedOf(file).name, checked, { maxRejectedShare: 1, ...more });
      assert.deepEqual(await readdir(directory), []);
      const rows = (await decodeCopy(checked.good))
        .map((line) => goodRow(file, line))
        .sort((a, b) => a.ordinal - b.ordinal);
      const rejected = (await decodeCopy(checked.bad)).map(rejectedLine);
      return { ...result, rows, rejected };
    } finally {
      await checked.close();
    }
  });
}

const NUMBER = 42;

/** Bytes as a download brings them. */
export async function* chunksOf(content: Buffer, chunkBytes = 64 * 1024): AsyncGenerator<Buffer> {
  for (let start = 0; start < content.length; start += chunkBytes) {
    yield await Promise.resolve(content.subarray(start, start + chunkBytes));
  }
}

export async function inScratch<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'loading-test-'));
  try {
    return await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Reads PostgreSQL's COPY text format, as PostgreSQL does and apart from the code under test. */
async function decodeCopy(spool: Spool): Promise<(string | null)[][]> {
  const chunks: Buffer[] = [];
  for await (const chunk of spool.read()) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString('utf8').split('\n');
  assert.equal(lines.pop(), '', 'the last line has no line end');
  return lines.map((line) => line.split('\t').map((field) => (field === '\\N' ? null : unescaped(field))));
}

const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };

function unescaped(field: string): string {
  return field.replace(/\\(.)/gs, (whole, character: string) => ESCAPES[character] ?? whole);
}

function goodRow(file: string, [number, ordinal, ...fields]: (string | null)[]): GoodRow {
  const written = columnsInCopy(feedOf(file));
  assert.deepEqual([number, fields.length], [String(NUMBER), written.length]);
  const values = Object.fromEntries(written.map((name, index) => [name, fields[index] ?? null]));
  return { ordinal: Number(ordinal), values };
}

function rejectedLine(fields: (string | null)[]) {
  const [number, line, column = null, rule, reason, raw] = fields;
  assert.deepEqual([number, fields.length], [String(NUMBER), 6]);
  return { line: Number(line), column, rule: rule ?? '', reason: reason ?? '', raw: raw ?? '' };
}

/** An activity row with an id and a key; the rest is harmless. */
export function activity(id: number | string, uniqId: string, quantity: number | string = 1): string {
  return `${id},${uniqId},2024-02-25T00:00:00,0,891,${quantity}`;
}

/** An activity file of these rows. */
export function activityFile(rows: readonly string[]): string {
  return [ACTIVITY_HEADER, ...rows, ''].join('\n');
}
