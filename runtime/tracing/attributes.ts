import { fileName, type Source } from '../../domain/feeds.ts';
import { isLoadDate } from '../../domain/load-date.ts';

/** The load date and the file that the arguments of a workflow or an activity are about, where they name them. */
export function attributesOf(args: readonly unknown[]): Record<string, string> {
  const { loadDate, claim, feed, source } = membersOf(args[0]);
  const date = [loadDate, claim, ...args].find((one) => typeof one === 'string' && isLoadDate(one));
  return {
    ...(typeof date === 'string' && { 'sales.load_date': date }),
    ...(typeof feed === 'string' && { 'sales.file': fileName({ feed, source: source as Source }) }),
  };
}

/** A failure's type of the table (docs/runbook.md), else a code, else the class; never the message. */
export function errorType(error: unknown): string {
  const { type, code, name } = membersOf(error);
  const known = [type, code, name].find((one) => typeof one === 'string' && one !== '');
  return typeof known === 'string' ? known : 'Error';
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
