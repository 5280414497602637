import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { CheckedFile, LandedFile } from '../../domain/day.ts';
import { feedNamed, feedOfIncrementFile, type Feed } from '../../domain/feeds.ts';
import { checkFile, type CheckOptions } from '../../pipeline/validate/check-file.ts';

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

export interface CheckedCsv extends CheckedFile {
  rows: GoodRow[];
  rejected: RejectedLine[];
  warningText: string;
}

export type MoreOptions = Partial<CheckOptions>;

/** The feed of an increment's file. */
export function feedOf(file: string): Feed {
  return feedNamed(feedOfIncrementFile(file) ?? file);
}

/** Runs `checkFile` over a file with this content and reads what it has written, all in a directory of its own. */
export async function checkCsv(
  file: string,
  content: string | Buffer,
  more: MoreOptions = {},
): Promise<CheckedCsv> {
  return await inScratch(async (directory) => {
    const checkedDirectory = path.join(directory, 'checked');
    const paths = {
      csv: path.join(directory, 'file.csv'),
      rows: path.join(checkedDirectory, 'rows'),
      rejected: path.join(checkedDirectory, 'rejected'),
    };
    await writeFile(paths.csv, content);
    const landed = await landedFile(file, paths.csv);
    try {
      const result = await checkFile(paths, landed, { maxRejectedShare: 1, ...more });
      const rows = decodeCopy(await readFile(paths.rows, 'utf8'))
        .map((line) => goodRow(file, line))
        .sort((a, b) => a.ordinal - b.ordinal);
      const rejected = decodeCopy(await readFile(paths.rejected, 'utf8')).map(rejectedLine);
      return { ...result, rows, rejected, warningText: result.warnings.join('\n') };
    } finally {
      const left = (await readdir(checkedDirectory)).filter((name) => name.endsWith('.tmp'));
      // Thrown over any other error on purpose: a file left behind is one more fault.
      if (left.length > 0) throwLeftOver(left);
    }
  });
}

/** A file on disk as a download would have left it. */
export async function landedFile(file: string, csvPath: string): Promise<LandedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(csvPath)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  const delivery = { loadDate: LOAD_DATE, source: 'increment' } as const;
  return {
    ...delivery,
    feed: feedOf(file).name,
    deliveryNumber: 1,
    bytes,
    sha256: hash.digest('hex'),
    warnings: [],
  };
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

function goodRow(file: string, [ordinal, ...fields]: (string | null)[]): GoodRow {
  const feed = feedOf(file);
  const names = feed.columns.map((column) => column.name);
  const { newestBy } = feed;
  const written = newestBy === undefined ? names : [newestBy, ...names.filter((name) => name !== newestBy)];
  if (fields.length !== written.length)
    throw new Error(`${fields.length} fields instead of ${written.length}`);
  return {
    ordinal: Number(ordinal),
    values: Object.fromEntries(written.map((name, index) => [name, fields[index] ?? null])),
  };
}

function rejectedLine(fields: (string | null)[]): RejectedLine {
  const [line, column = null, rule, reason, raw] = fields;
  if (fields.length !== 5) throw new Error(`a rejected row is ${JSON.stringify(fields)}`);
  return { line: Number(line), column, rule: rule ?? '', reason: reason ?? '', raw: raw ?? '' };
}

function throwLeftOver(names: string[]): never {
  throw new Error(`temporary files were left: ${names.join(', ')}`);
}

/** An activity row with an id and a key; the rest is harmless. */
export function activity(id: number | string, uniqId: string, quantity: number | string = 1): string {
  return `${id},${uniqId},2024-02-25T00:00:00,0,891,${quantity}`;
}

/** An activity file of these rows. */
export function activityFile(rows: readonly string[]): string {
  return [ACTIVITY_HEADER, ...rows, ''].join('\n');
}
