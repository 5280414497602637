import type { DayState } from '../../schemas/documents.ts';
import type { Rejected } from './data.ts';

/** 202408 as 2024-W08. */
export function weekName(id: number): string {
  return `${Math.floor(id / 100)}-W${String(id % 100).padStart(2, '0')}`;
}

/** What a broken rule of pipeline/validate/ means. */
const RULES: Record<string, string> = {
  type: 'wrong type',
  range: 'out of range',
  rounding: 'too many decimal places',
  required: 'empty, but required',
  allowed: 'not an allowed value',
  nul: 'contains a NUL byte',
  fields: 'wrong number of fields',
  quote: 'broken quotes',
};

export function ruleText(rule: string): string {
  return RULES[rule] ?? rule;
}

/** A reason as one line of text. */
export function reasonText({ file, column, rule, members }: Rejected): string {
  if (file === null) return othersText(members, 'reason', 'reasons');
  return [column ?? 'row', ruleText(rule ?? ''), `(${file})`].join(' ');
}

export function othersText(members: number, one: string, many: string): string {
  return `Others (${members} ${members === 1 ? one : many})`;
}

export const STATES: Record<DayState, { name: string; mark: string; colour: string; ink: string }> = {
  loaded: { name: 'loaded', mark: '✓', colour: '#0b3c6f', ink: '#ffffff' },
  no_increment: { name: 'no increment', mark: '–', colour: '#b9c6d4', ink: '#1c2430' },
  missing: { name: 'missing', mark: '?', colour: '#f2b134', ink: '#1c2430' },
  failed: { name: 'failed', mark: '✗', colour: '#b3261e', ink: '#ffffff' },
  stale: { name: 'not in the mart', mark: '!', colour: '#7b3fa0', ink: '#ffffff' },
  running: { name: 'running', mark: '…', colour: '#ffffff', ink: '#1c2430' },
};
