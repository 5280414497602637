import { knownTimeZone } from '../domain/due-days.ts';
import { formatDuration, parseDuration, YEAR_MS } from '../domain/durations.ts';
import { fileNames } from '../domain/feeds.ts';
import { isPort } from './port.ts';

/** What the text of a setting may be, and the value that it stands for. Each throws an Error whose message is a clause. */

export const text = (value: string) => value;

/** A duration within bounds that timers and the Temporal server take, in milliseconds. */
export function duration(minimum: number, maximum = YEAR_MS) {
  return (value: string): number => {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) throw new Error('must be a duration like 2s, 45s, 10m, 1h or 30d');
    if (milliseconds < minimum || milliseconds > maximum)
      throw new Error(`must be from ${formatDuration(minimum)} to ${formatDuration(maximum)}`);
    return milliseconds;
  };
}

export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  return (value: string): number => {
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < minimum || number > maximum)
      throw new Error(`must be a whole number from ${minimum} to ${maximum}`);
    return number;
  };
}

export function share(value: string): number {
  const number = Number(value);
  if (!(number >= 0 && number <= 1)) throw new Error('must be a number from 0 to 1');
  return number;
}

export function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new Error('must be an http(s) URL');
  return value.trim();
}

/** Something is added to its path: a query would swallow it. Credentials would be dropped, or shown with it. */
export function baseUrl(value: string): string {
  const url = new URL(httpUrl(value));
  if (url.username !== '' || url.password !== '') throw new Error('must hold no user or password');
  if (url.search !== '' || url.hash !== '') throw new Error('must have no query and no fragment');
  // A "?" or "#" with nothing behind it counts as no query, but would begin one.
  return url.origin + url.pathname;
}

export function headerValue(value: string): string {
  if (!/^[\x20-\x7e]+$/.test(value))
    throw new Error('must be printable ASCII, since it travels in an HTTP header');
  return value;
}

export function address(value: string): string {
  if (!isPort(/^(?:[^:\s]+|\[[^\]]+\]):(\d{1,5})$/.exec(value.trim())?.[1] ?? ''))
    throw new Error('must be an address like 0.0.0.0:9464');
  return value.trim();
}

export function oneOf<T extends string>(...words: readonly T[]) {
  return (value: string): T => {
    const word = words.find((name) => name.toLowerCase() === value.trim().toLowerCase());
    if (word === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return word;
  };
}

/** Part of workflow ids and names of task queues, which the server limits to 1,000 bytes. */
export function name(value: string): string {
  const trimmed = value.trim();
  if (Buffer.byteLength(trimmed) > 500 || /\p{Cc}/u.test(trimmed))
    throw new Error('must be at most 500 bytes, without control characters');
  if (trimmed.startsWith('/_sys/'))
    throw new Error('must not begin with /_sys/, which Temporal keeps for itself');
  return trimmed;
}

/** Refuses what the server would not register as a deployment: the worker would wait for work without a word. */
export function deploymentName(value: string): string {
  const trimmed = name(value);
  if (/[.:]/.test(trimmed) || trimmed.startsWith('__'))
    throw new Error('must not contain . or : and must not begin with __');
  return trimmed;
}

/** Longer ones the server does not register either. */
export function buildId(value: string): string {
  const trimmed = name(value);
  if (Buffer.byteLength(trimmed) > 255) throw new Error('must be at most 255 bytes');
  return trimmed;
}

export function otlpHeaders(value: string): Record<string, string> {
  const pairs = value.split(',').map((pair) => /^([^\s=]+)=([\x21-\x7e].*)$/.exec(pair.trim())?.slice(1));
  if (pairs.includes(undefined)) throw new Error('must be a list like name=value,name=value');
  return Object.fromEntries(pairs as [string, string][]);
}

export const yesOrNo = (value: string): boolean => oneOf('true', 'false')(value) === 'true';

export function payloadKeys(value: string): { id: string; key: Buffer }[] {
  const entries = value.split(',').filter((entry) => entry.trim() !== '');
  return entries.map((entry) => {
    const [, id, base64 = ''] = /^([^:,\s]+):([A-Za-z0-9+/]{43}=)$/.exec(entry.trim()) ?? [];
    if (id === undefined)
      throw new Error('must be a list of id:base64, each of 32 bytes (openssl rand -base64 32)');
    return { id, key: Buffer.from(base64, 'base64') };
  });
}

export function timeOfDay(value: string): { hour: number; minute: number } {
  const match = /^(\d\d?):(\d\d)$/.exec(value.trim());
  const [hour = 24, minute = 60] = match?.slice(1).map(Number) ?? [];
  if (hour > 23 || minute > 59) throw new Error('must be a time of day like 05:00');
  return { hour, minute };
}

/** Written as the Temporal server knows it: Node takes any case, and offsets, which the server does not. */
export function timeZone(value: string): string {
  const fault = 'must be an IANA time zone like Europe/Moscow';
  const known = knownTimeZone(value);
  if (known === undefined) throw new Error(fault);
  if (known === value) return value;
  if (known.toLowerCase() === value.toLowerCase()) throw new Error(`must be written ${known}`);
  // Another name of the same zone, which may be written rightly or not.
  if (!/^[A-Z]\w*(?:[+-]\d+)?(?:\/[A-Z][\w+-]*)*$/.test(value))
    throw new Error(`${fault}; this one is ${known}`);
  return value;
}

export function incrementFiles(value: string): string[] {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = fileNames('increment');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`must name files of ${known.join(', ')}; unknown: ${unknown.join(', ')}`);
  return [...new Set(names)];
}
