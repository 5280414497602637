import { checkColumn, type BrokenRule } from './column-rules.ts';
import type { Feed } from '../../domain/feeds.ts';
import { copyValue, needsEscape } from './copy-text.ts';
import { splitQuoted, type Layout } from './header.ts';
import type { CsvRecord } from './record-splitter.ts';

export interface RejectedRow extends BrokenRule {
  /** The column whose value broke a rule; null when the row as a whole did. */
  column: string | null;
}

export type CheckedRow =
  | {
      ok: true;
      /** The id's text, null without one. */
      newestBy: string | null;
      /** In COPY format, without the id. */
      row: string;
    }
  | { ok: false; rejected: RejectedRow };

/** Turns the text of one record into a row in COPY format, or names the rule that it breaks. */
export class RowChecker {
  readonly #feed: Feed;
  readonly layout: Layout;
  /** Per column the last value that passed: a day's rows share most of their dates and many of their numbers. */
  readonly #passed: (string | undefined)[] = [];

  constructor(feed: Feed, layout: Layout) {
    this.#feed = feed;
    this.layout = layout;
  }

  check(text: string, { quotedFields, malformed }: CsvRecord): CheckedRow {
    if (malformed) return rejected(null, 'quote', 'text follows a closing quote.');
    const expected = this.layout.fieldCount;
    // The fields of a row that has too many are counted, never made: eight mebibytes of commas are eight million.
    if (quotedFields > 0 && quotedFields !== expected) return wrongFields(quotedFields, expected);
    const fields = quotedFields === 0 ? text.split(',', expected + 1) : splitQuoted(text);
    if (fields.length < expected) return wrongFields(fields.length, expected);
    if (fields.length > expected) return wrongFields(countCommas(text) + 1, expected);
    let newestBy: string | null = null;
    const values: string[] = [];
    // Searched once in the whole record: hardly any has one, and searching every value took a tenth of the time.
    const hasSpecial = needsEscape(text);
    let index = -1;
    for (const column of this.#feed.columns) {
      index += 1;
      const position = this.layout.positions[index] ?? -1;
      const value = position === -1 ? (column.whenColumnIsMissing ?? '') : (fields[position] ?? '');
      if (value !== this.#passed[index]) {
        const broken = checkColumn(column, value);
        if (broken) return rejected(column.name, broken.rule, broken.reason);
        this.#passed[index] = value;
      }
      const loaded = value === '' || (column.type !== 'text' && value.trim() === '') ? null : value;
      if (column.name === this.#feed.newestBy) newestBy = loaded?.trim() ?? null;
      else values.push(loaded !== null && !hasSpecial ? loaded : copyValue(loaded));
    }
    return { ok: true, newestBy, row: values.join('\t') };
  }
}

function countCommas(text: string): number {
  let count = 0;
  for (let comma = text.indexOf(','); comma !== -1; comma = text.indexOf(',', comma + 1)) count += 1;
  return count;
}

function wrongFields(found: number, expected: number): CheckedRow {
  const fields = found === 1 ? 'field' : 'fields';
  return rejected(null, 'fields', `the row has ${found} ${fields}; expected ${expected}.`);
}

function rejected(column: string | null, rule: string, reason: string): CheckedRow {
  return { ok: false, rejected: { column, rule, reason } };
}
