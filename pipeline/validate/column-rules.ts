import type { Column, ColumnType } from '../../domain/feeds.ts';

/**
 * The rules for a single value. They are stricter than PostgreSQL's input functions where those would change
 * a value without an error (a time zone dropped, a digit rounded) and never looser, so that COPY cannot fail on a
 * value that passed.
 */
export interface BrokenRule {
  /** Stable word for grouping: `required`, `type`, `range`, `allowed`, `rounding`, `nul`, `fields`, `quote`. */
  rule: string;
  /** A sentence for a person, with the column; never with the value, which can be personal (contract, ruling 25). */
  reason: string;
}

/** Digits of `numeric(18, 2)`, the type of every amount of money: 16 before the point, 2 behind it. */
const MONEY_INTEGER_DIGITS = 16;
const MONEY_SCALE = 2;
const BIGINT_MIN = -(2n ** 63n);
const BIGINT_MAX = 2n ** 63n - 1n;
/** No number or timestamp is longer; it also keeps the patterns below linear on hostile input. */
const MAX_SCALAR_LENGTH = 100;

/** Checks a value that is not empty; undefined means that it may be loaded. */
const checks: Record<ColumnType, (value: string) => { rule: string; fault: string } | undefined> = {
  text: () => undefined,
  bigint(value) {
    if (!/^ *[+-]?\d+ *$/.test(value)) return { rule: 'type', fault: 'is not an integer' };
    if (value.length <= 18) return undefined;
    const number = BigInt(value.trim().replace(/^\+/, ''));
    return number < BIGINT_MIN || number > BIGINT_MAX
      ? { rule: 'range', fault: 'is outside the range of bigint' }
      : undefined;
  },
  money(value) {
    const match = /^ *[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))? *$/.exec(value);
    const [, whole = '', fraction = '', exponent = '0'] = match ?? [];
    if (!match || whole + fraction === '') return { rule: 'type', fault: 'is not a decimal number' };
    const shift = Number(exponent);
    const digits = (whole + fraction).replace(/^0+/, '');
    if (digits === '') return undefined;
    const scale = fraction.length - shift - trailingZeros(digits);
    if (scale > MONEY_SCALE) {
      return { rule: 'rounding', fault: `has more than ${MONEY_SCALE} decimal places and would be rounded` };
    }
    return digits.length - fraction.length + shift > MONEY_INTEGER_DIGITS
      ? { rule: 'range', fault: `has more than ${MONEY_INTEGER_DIGITS} digits before the decimal point` }
      : undefined;
  },
  timestamp(value) {
    const match = /^ *(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)? *$/.exec(value);
    if (!match) {
      return /(?:Z|[+-]\d\d(?::?\d\d)?) *$/.test(value) && /^ *\d{4}-\d\d-\d\d[T ]/.test(value)
        ? { rule: 'type', fault: 'has a time zone; timestamps are naive' }
        : { rule: 'type', fault: 'is not a timestamp like 2024-02-25T00:00:00' };
    }
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
    if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) {
      return { rule: 'range', fault: 'is a date that does not exist' };
    }
    if (hour > 23 || minute > 59 || second > 59) {
      return { rule: 'range', fault: 'is a time of day that does not exist' };
    }
    return (match[7] ?? '').replace(/0+$/, '').length > 6
      ? { rule: 'rounding', fault: 'is finer than a microsecond and would be rounded' }
      : undefined;
  },
};

/** Checks one value of a column; undefined means that it may be loaded. */
export function checkColumn(column: Column, value: string): BrokenRule | undefined {
  if (value.includes('\0')) {
    return { rule: 'nul', reason: `${column.name} holds a NUL byte, which PostgreSQL cannot store.` };
  }
  if (value === '' || (column.type !== 'text' && value.trim() === '')) {
    return column.required === false && !column.allowed
      ? undefined
      : { rule: 'required', reason: `${column.name} is empty, but a value is required.` };
  }
  if (column.allowed && !column.allowed.includes(value)) {
    return {
      rule: 'allowed',
      reason: `${column.name} is none of ${column.allowed.join(', ')}.`,
    };
  }
  const maxLength = column.type === 'text' ? column.maxLength : MAX_SCALAR_LENGTH;
  if (maxLength !== undefined && value.length > maxLength) {
    return { rule: 'range', reason: `${column.name} is longer than ${maxLength} characters.` };
  }
  const broken = checks[column.type](value);
  return broken && { rule: broken.rule, reason: `${column.name} ${broken.fault}.` };
}

function trailingZeros(digits: string): number {
  return digits.length - digits.replace(/0+$/, '').length;
}

function daysOfMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
