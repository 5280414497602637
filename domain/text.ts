const CONTROL = '\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\u202a-\\u202e\\u2066-\\u2069';
const UNSAFE = new RegExp(`[${CONTROL}]+`, 'gu');
const UNSAFE_BUT_LINES = new RegExp(`(?!\\n)[${CONTROL}]`, 'gu');

/**
 * Text from outside in one line, without control characters: no escape sequence reaches a terminal, no line break a log,
 * and nothing reorders what stands beside it.
 */
export function plainText(text: string, maxLength = Infinity): string {
  const plain = text.slice(0, maxLength).replace(UNSAFE, ' ').trim();
  return text.length > maxLength ? `${plain}…` : plain;
}

/** `3, 6, 9 and 4 more` */
export function firstFew(values: readonly (string | number)[], max: number): string {
  const more = values.length > max ? ` and ${values.length - max} more` : '';
  return values.slice(0, max).join(', ') + more;
}

/** The same for text that has lines, such as a table. */
export function plainLines(text: string): string {
  return text.replace(UNSAFE_BUT_LINES, ' ');
}

/** Documents have snake_case names, as the settings (contract, ruling 61). */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What is said of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
