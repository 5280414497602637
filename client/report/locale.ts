import { TEXTS, type Forms, type Language, type TextKey } from './texts.ts';

/** The page's texts, figures and dates in one language. */
export interface Locale {
  language: Language;
  /** Numbers among the values are formatted as counts. */
  text: (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;
  count: (number: number) => string;
  /** PostgreSQL's decimal text, without a float: 1,234,567.50. */
  money: (decimal: string) => string;
  share: (share: number) => string;
  /** +3.2% */
  change: (share: number) => string;
  /** An axis label, which ECharts has already rounded: 1.5M. */
  tick: (value: number) => string;
  /** `weekday`: Monday first. */
  names: { month: string[]; weekday: string[] };
}

export function localeOf(language: Language): Locale {
  const number = (options?: Intl.NumberFormatOptions) => {
    const format = new Intl.NumberFormat(language, { signDisplay: 'negative', ...options });
    // A true minus sign, which Intl writes as a hyphen.
    return (value: number | string) => format.format(value as number).replace('-', '\u2212');
  };
  const plural = new Intl.PluralRules(language);
  const count = number();
  const fraction = (digits: number) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });
  const decimal = number(fraction(2));
  return {
    language,
    text: (key, values = {}) => {
      const entry: string | Forms = TEXTS[key][language];
      const text =
        typeof entry === 'string' ? entry : (entry[plural.select(Number(values.n))] ?? entry.other);
      return text.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = values[name] ?? '';
        return typeof value === 'number' ? count(value) : value;
      });
    },
    count,
    money: (text) => {
      if (!/^-?\d+(\.\d+)?$/.test(text)) throw new Error(`Expected a decimal number, but got "${text}".`);
      return decimal(text);
    },
    share: number({ style: 'percent', ...fraction(1) }),
    change: number({ style: 'percent', ...fraction(1), signDisplay: 'exceptZero' }),
    tick: number({ notation: 'compact', maximumSignificantDigits: 4 }),
    names: {
      month: dateNames(language, { month: 'short' }, 12, (index) => [index, 1]),
      // 1 January 2024 was a Monday.
      weekday: dateNames(language, { weekday: 'short' }, 7, (index) => [0, 1 + index]),
    },
  };
}

function dateNames(
  language: Language,
  options: Intl.DateTimeFormatOptions,
  length: number,
  monthAndDay: (index: number) => [number, number],
): string[] {
  const format = new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' });
  return Array.from({ length }, (_, index) => format.format(Date.UTC(2024, ...monthAndDay(index))));
}
