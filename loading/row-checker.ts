import Papa from 'papaparse';
import { checkColumn, type BrokenRule } from '../feeds/column-types.ts';
import type { Feed } from '../feeds/feeds.ts';
import { copyValue } from './copy-text.ts';
import type { Layout } from './header.ts';

export interface RejectedRow extends BrokenRule {
  /** The column whose value broke a rule; null when the row as a whole did. */
  column: string | null;
}

export type CheckedRow =
  | {
      ok: true;
      /** The id's text, null without one. */ newestBy: string | null;
      /** COPY format. */ row: string;
    }
  | { ok: false; rejected: RejectedRow };

/** Turns the text of one record into a row in COPY format, or says which rule it breaks. */
export class RowChecker {
  readonly #feed: Feed;
  readonly #layout: Layout;

  constructor(feed: Feed, layout: Layout) {
    this.#feed = feed;
    this.#layout = layout;
  }

  check(text: string, quoted: boolean, malformed: boolean): CheckedRow {
    if (malformed) return rejected(null, 'quote', 'text follows a closing quote.');
    const fields = splitRecord(text, quoted);
    if (fields.length !== this.#layout.fieldCount) {
      return rejected(
        null,
        'fields',
        `the row has ${fields.length} field${fields.length === 1 ? '' : 's'}; expected ${this.#layout.fieldCount}.`,
      );
    }
    let newestBy: string | null = null;
    const values: string[] = [];
    for (const [index, column] of this.#feed.columns.entries()) {
      const position = this.#layout.positions[index] ?? -1;
      const value = position === -1 ? (column.whenColumnIsMissing ?? '') : (fields[position] ?? '');
      const broken = checkColumn(column, value);
      if (broken) return rejected(column.name, broken.rule, broken.reason);
      const loaded = value === '' || (column.type !== 'text' && value.trim() === '') ? null : value;
      if (column.name === this.#feed.newestBy) newestBy = loaded?.trim() ?? null;
      else values.push(copyValue(loaded));
    }
    return { ok: true, newestBy, row: values.join('\t') };
  }
}

/** Without a quote a CSV record is nothing but its commas; with one, Papa Parse knows the rules. */
function splitRecord(text: string, quoted: boolean): string[] {
  if (!quoted) return text.split(',');
  return Papa.parse<string[]>(text, { delimiter: ',', newline: '\n' }).data[0] ?? [];
}

function rejected(column: string | null, rule: string, reason: string): CheckedRow {
  return { ok: false, rejected: { column, rule, reason } };
}
