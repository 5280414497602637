import type { Column, Feed } from '../../domain/feeds.ts';
import { dayNumber } from './random.ts';

const ROWS_A_DAY = 10;

/**
 * Rows for a feed without a generator: valid by the feed's own rules, and different every day. So a new feed can be
 * tried at once, before there are real files.
 */
export function* plainLines(feed: Feed, dates: readonly string[]): Generator<string> {
  if (feed.hasHeader) yield `${feed.columns.map(({ name }) => name).join(',')}\r\n`;
  for (const date of dates) {
    for (let row = 1; row <= ROWS_A_DAY; row++) {
      yield `${feed.columns.map((column) => valueOf(column, date, row)).join(',')}\r\n`;
    }
  }
}

function valueOf({ name, type, allowed, maxLength }: Column, date: string, row: number): string {
  if (allowed) return allowed[row % allowed.length] ?? '';
  const number = dayNumber(date) * ROWS_A_DAY + row;
  switch (type) {
    case 'bigint':
      return String(number);
    case 'money':
      return `${row}.50`;
    case 'timestamp':
      return `${date}T00:00:00`;
    case 'text':
      return `${number} ${name}`.slice(0, maxLength);
  }
}
