const NO_BREAK_SPACE = '\u00a0';
const MINUS = '\u2212';

/** Formats PostgreSQL's decimal text, without a float: 1 234 567.50. */
export function money(decimal: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  if (whole === '') throw new Error(`Expected a decimal number, but got "${decimal}".`);
  const isZero = /^0*$/.test(whole + fraction);
  return `${sign && !isZero ? MINUS : ''}${grouped(whole)}.${fraction.padEnd(2, '0')}`;
}

export function count(number: number): string {
  return grouped(String(number));
}

/** An axis label, which ECharts has already rounded: 1.5 M. */
export function tick(value: number): string {
  const [divisor, unit] = UNITS.find(([least]) => Math.abs(value) >= least) ?? [1, ''];
  const shown = String(Number((Math.abs(value) / divisor).toPrecision(4)));
  return `${value < 0 ? MINUS : ''}${shown}${unit && NO_BREAK_SPACE + unit}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'bn'],
  [1e6, 'M'],
  [1e3, 'k'],
];

function grouped(digits: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, NO_BREAK_SPACE);
}
