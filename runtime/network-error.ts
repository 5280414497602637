import { plainText } from '../domain/text.ts';

/** The other side chooses part of the text, such as the names in its certificate. */
const MAX_LENGTH = 500;

/** The message and code of a network error: they hold host and port, never headers or a query. */
export function describeNetworkError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  // Every address of a name was tried; the error itself has no message.
  if (error instanceof AggregateError) return error.errors.map(describeNetworkError).join('; ');
  const code = (error as { code?: unknown }).code;
  const message = error.message || error.name;
  const text = typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
  return plainText(text, MAX_LENGTH);
}
