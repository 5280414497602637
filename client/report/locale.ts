import { TEXTS, type Language, type TextKey } from './texts.ts';

export type Format = (value: number | string) => string;

export type Locale = ReturnType<typeof localeOf>;

/** The page's texts, figures and dates in one language. */
export function localeOf(language: Language) {
  const number = (options?: Intl.NumberFormatOptions): Format => {
    const format = new Intl.NumberFormat(language, { signDisplay: 'negative', ...options });
    // A true minus sign, which Intl writes as a hyphen.
    return (value) => format.format(value as number).replace('-', '\u2212');
  };
  const date = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
    return (text: string) => format.format(new Date(text));
  };
  const weekday = date({ weekday: 'short' });
  const count = number();
  const fraction = (digits: number) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });
  return {
    language,
    /** Numbers among the values are formatted as counts. */
    text: (key: TextKey, values: Readonly<Record<string, string | number>> = {}) =>
      TEXTS[key][language].replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = values[name] ?? '';
        return typeof value === 'number' ? count(value) : value;
      }),
    count,
    /** PostgreSQL's decimal text, without a float: 1,234,567.50. */
    money: number(fraction(2)),
    share: number({ style: 'percent', ...fraction(1) }),
    /** +3.2% */
    change: number({ style: 'percent', ...fraction(1), signDisplay: 'exceptZero' }),
    /** A value of an axis: 1.5M. */
    tick: number({ notation: 'compact', maximumSignificantDigits: 4 }),
    month: date({ month: 'short', year: 'numeric' }),
    /** Monday first: 1 January 2024 was one. */
    weekdays: [1, 2, 3, 4, 5, 6, 7].map((day) => weekday(`2024-01-0${day}`)),
  };
}
