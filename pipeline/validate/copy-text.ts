/** One value in PostgreSQL's COPY text format; null is `\N`. */
export function copyValue(value: string | null): string {
  if (value === null) return '\\N';
  return needsEscape(value) ? value.replace(/[\\\t\n\r]/g, escaped) : value;
}

export function needsEscape(text: string): boolean {
  return /[\\\t\n\r]/.test(text);
}

/** One line in PostgreSQL's COPY text format. */
export function copyLine(values: readonly (string | null)[]): string {
  return values.map(copyValue).join('\t') + '\n';
}

function escaped(character: string): string {
  switch (character) {
    case '\t':
      return '\\t';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    default:
      return '\\\\';
  }
}
