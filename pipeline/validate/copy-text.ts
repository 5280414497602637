/** One value in PostgreSQL's COPY text format; null is `\N`. */
export function copyValue(value: string | null): string {
  return value === null
    ? '\\N'
    : value.replace(/[\\\t\n\r]/g, (character) => ESCAPED[character] ?? character);
}

export function needsEscape(text: string): boolean {
  return /[\\\t\n\r]/.test(text);
}

/** One line in PostgreSQL's COPY text format. */
export function copyLine(values: readonly (string | null)[]): string {
  return values.map(copyValue).join('\t') + '\n';
}

const ESCAPED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
