import type { CsvRecord } from './record-splitter.ts';
import type { Content } from './repeat-window.ts';

const COMMA = 0x2c;
const QUOTE = 0x22;
const ZERO = 0x30;
/** An id of up to 15 digits is exact as a number. */
const SAFE_DIGITS = 15;
export const NO_ID = -Infinity;

/**
 * A record's bytes without the field that holds its id (at `position`; -1: it has none), and the id. Undefined when
 * the id is anything but plain digits, quoted or not, or nothing.
 */
export function contentWithoutId(record: CsvRecord, position: number): Content | undefined {
  const { data, start, end, quotedFields } = record;
  if (position === -1) return { text: data.toString('latin1', start, end), id: NO_ID };
  let from = start;
  for (let field = 0; field < position; field += 1) {
    const comma = data.indexOf(COMMA, from);
    if (comma === -1 || comma >= end) return undefined;
    from = comma + 1;
  }
  // A comma behind a quote may be text.
  if (quotedFields > 0 && position > 0 && data.indexOf(QUOTE, start) < from) return undefined;
  const isQuoted = data[from] === QUOTE;
  const firstDigit = isQuoted ? from + 1 : from;
  let number = 0;
  let to = firstDigit;
  for (; to < end && to - firstDigit < SAFE_DIGITS; to += 1) {
    const digit = (data[to] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  const id = to === firstDigit ? NO_ID : number;
  if (isQuoted && data[to++] !== QUOTE) return undefined;
  if (to < end && data[to] !== COMMA) return undefined;
  return { text: data.toString('latin1', start, from) + data.toString('latin1', to, end), id };
}
