import { groupDays, loadCommand } from '../day-groups.ts';
import { remainingFiles } from '../day-status.ts';
import type { DayStatus } from '../../schemas/documents.ts';
import type { ReportData } from './data.ts';
import { html, type Html } from './html.ts';
import type { Locale } from './locale.ts';

/** Days that need attention, and warnings: the newest; a command lists the others. */
const MAX_ENTRIES = 20;
export const CLIENT = 'npm run client --';

export function isOpen({ state }: DayStatus): boolean {
  return state === 'missing' || state === 'failed' || state === 'stale';
}

/** The days that are not loaded, newest first: the reason, and the command that loads them. */
export function attention(data: ReportData, locale: Locale): Html {
  if (data.calendar.length === 0) return html`<p>${locale.text('nothingDue')}</p>`;
  const groups = groupDays(
    data.calendar.filter(isOpen),
    (day, previous) =>
      day.state === previous.state &&
      day.error === previous.error &&
      needs(day, locale) === needs(previous, locale),
  );
  if (groups.length === 0) return html`<p>${locale.text('nothingOpen')}</p>`;
  return entries(groups, data, locale, (group) => {
    const [{ date, state, error, next }] = group;
    const load = group.length === 1 ? `${CLIENT} run --date ${date}` : loadCommand(date, lastOf(group));
    return html`<strong>${rangeOf(group, locale)}: ${locale.text(`state.${state}`)}</strong>
      <span>${needs(group[0], locale)}</span>
      ${error === null ? '' : recorded([error, next ?? ''].join(' '))} ${command(load)}`;
  });
}

function needs(day: DayStatus, { text }: Locale): string {
  const files = remainingFiles(day);
  return files.length > 0 ? text('needs', { files: files.join(', ') }) : '';
}

export function warnings(data: ReportData, locale: Locale): Html {
  const { text } = locale;
  const days = data.calendar.filter((day) => day.warnings.length + day.accepted_missing.length > 0);
  if (days.length === 0) return html`<p>${text('noWarnings')}</p>`;
  return entries(
    days,
    data,
    locale,
    ({ date, warnings, accepted_missing: files }) =>
      html`<strong>${date}</strong>
        ${files.length > 0 ? html`<span>${text('acceptedWithout', { files: files.join(', ') })}</span>` : ''}
        ${warnings.map(recorded)}`,
  );
}

/** The newest entries, and the command that lists the others. */
function entries<E>(
  all: readonly E[],
  { from, to }: ReportData,
  { text }: Locale,
  entry: (one: E) => Html,
): Html {
  const more = all.length - MAX_ENTRIES;
  const shown = all.slice(Math.max(0, more)).reverse();
  return html`<ul class="days">
      ${shown.map((one) => html`<li>${entry(one)}</li>`)}
    </ul>
    ${
      more > 0
        ? html`<p>
            ${text('moreEntries', { n: more })} ${command(`${CLIENT} status --from ${from} --to ${to}`)}
          </p>`
        : ''
    }`;
}

/** A message as the run recorded it. */
function recorded(message: string): Html {
  return html`<span lang="en">${message.trim()}</span>`;
}

export function command(line: string): Html {
  return html`<code lang="en">${line}</code>`;
}

function lastOf(group: [DayStatus, ...DayStatus[]]): string {
  return (group.at(-1) ?? group[0]).date;
}

/** The first day of a group, or its first and last. */
export function rangeOf(group: [DayStatus, ...DayStatus[]], { text }: Locale): string {
  const [from, to] = [group[0].date, lastOf(group)];
  return from === to ? from : text('range', { from, to });
}
