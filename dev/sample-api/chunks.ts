const CHUNK_LENGTH = 64 * 1024;

/** Joins lines into chunks of about 64 KiB, so that a stream is not fed row by row. */
export function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length >= CHUNK_LENGTH) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}
