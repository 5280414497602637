import type { DayState } from '../../schemas/documents.ts';
import type { Rejected } from './data.ts';
import type { Locale } from './locale.ts';
import { TEXTS, type TextKey } from './texts.ts';

/** 202408 as 2024-W08. */
export function weekName(id: number): string {
  return `${Math.floor(id / 100)}-W${String(id % 100).padStart(2, '0')}`;
}

export function ruleText(rule: string, { text }: Locale): string {
  const key = `rule.${rule}`;
  return isTextKey(key) ? text(key) : rule;
}

function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(TEXTS, key);
}

/** A reason as one line of text. */
export function reasonText({ file, column, rule, members }: Rejected, locale: Locale): string {
  if (file === null) return locale.text('otherReasons', { n: members });
  return [column ?? locale.text('row'), ruleText(rule ?? '', locale), `(${file})`].join(' ');
}

/** How a day's state is drawn; the mark stands on its colour. */
export const STATES: Record<DayState, { mark: string; colour: string; ink: string }> = {
  loaded: { mark: '✓', colour: '#0b4a8a', ink: '#fff' },
  no_increment: { mark: '–', colour: '#b9c6d4', ink: '#000' },
  missing: { mark: '?', colour: '#f2b134', ink: '#000' },
  failed: { mark: '✗', colour: '#b3261e', ink: '#fff' },
  stale: { mark: '!', colour: '#7b3fa0', ink: '#fff' },
  running: { mark: '…', colour: '#fff', ink: '#000' },
};
