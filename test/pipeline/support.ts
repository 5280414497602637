import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { columnsInCopy, feedNamed, feedOfFile, type Feed } from '../../domain/feeds.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile, type Checked, type CheckOptions } from '../../pipeline/validate/check-file.ts';
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

interface RejectedLine {
  line: number;
  column: string | null;
  rule: string;
  reason: string;
  raw: string;
}

export interface CheckedCsv extends Checked {
  rows: GoodRow[];
  rejected: RejectedLine[];
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
): Promise<CheckedCsv> {
  return await inScratch(async (directory) => {
    const checked = new CheckedRows(directory, NUMBER);
    try {
      const chunks = chunksOf(Buffer.from(content), chunkBytes);
      const result = await checkFile(chunks, feedOf(file).name, checked, { maxRejectedShare: 1, ...more });
      assert.deepEqual(await readdir(directory), []);
      const rows = decodeCopy(await spooledText(checked.good))
        .map((line) => goodRow(file, line))
        .sort((a, b) => a.ordinal - b.ordinal);
      const rejected = decodeCopy(await spooledText(checked.bad)).map(rejectedLine);
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

async function spooledText(spool: Spool): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of spool.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
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
function decodeCopy(text: string): (string | null)[][] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line end');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t').map((field) => (field === '\\N' ? null : unescaped(field))));
}

const ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };

function unescaped(field: string): string {
  return field.replace(/\\(.)/gs, (whole, character: string) => ESCAPES[character] ?? whole);
}

function goodRow(file: string, [number, ordinal, ...fields]: (string | null)[]): GoodRow {
  assert.equal(number, String(NUMBER));
  const written = columnsInCopy(feedOf(file));
  if (fields.length !== written.length)
    throw new Error(`${fields.length} fields instead of ${written.length}`);
  return {
    ordinal: Number(ordinal),
    values: Object.fromEntries(written.map((name, index) => [name, fields[index] ?? null])),
  };
}

function rejectedLine(fields: (string | null)[]): RejectedLine {
  const [number, line, column = null, rule, reason, raw] = fields;
  assert.equal(number, String(NUMBER));
  if (fields.length !== 6) throw new Error(`a rejected row is ${JSON.stringify(fields)}`);
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
