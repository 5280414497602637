const FLOOR_MS = 1_000;
const CAP_MS = 5 * 60_000;

/** Milliseconds to wait by a Retry-After header, given as seconds or as an HTTP date; floored and capped. */
export function retryAfterMs(header: string | string[] | undefined, now: Date): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  const wait = /^\s*\d+\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, FLOOR_MS), CAP_MS);
}
