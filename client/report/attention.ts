import { plainText } from '../../domain/text.ts';
import { loadCommand } from '../../domain/load-command.ts';
import { groupDays, type Group } from '../day-groups.ts';
import { remainingFiles } from '../day-status.ts';
import type { DayStatus } from '../../schemas/documents.ts';
import type { ReportData } from './data.ts';
import { failureText, warningText } from './explanations.ts';
import { html, type Html } from './html.ts';
import type { Locale } from './locale.ts';

/** Entries of a list; a command lists the others. */
const MAX_ENTRIES = 20;
/** Ranges of days, and recorded messages, of an entry. */
const MAX_PARTS = 10;
/** Letters of a recorded message. */
const MAX_MESSAGE = 1_000;
export const CLIENT = 'npm run client --';

export function isOpen({ state }: DayStatus): boolean {
  return state === 'missing' || state === 'failed' || state === 'stale';
}

/** The days that are not loaded, newest first: the reason, and the command that loads them. */
export function attention(data: ReportData, locale: Locale): Html {
  const { text } = locale;
  if (data.calendar.length === 0) return html`<p>${text('nothingDue')}</p>`;
  const groups = groupDays(
    data.calendar.filter(isOpen),
    (day, first) =>
      day.state === first.state &&
      day.error_type === first.error_type &&
      needs(day, locale) === needs(first, locale),
  );
  if (groups.length === 0) return html`<p>${text('nothingOpen')}</p>`;
  return entries(groups.reverse(), data, locale, (group) => {
    const { from, to, days } = group;
    const [{ state, error_type }] = days;
    const load = from === to ? `${CLIENT} run --date ${from}` : loadCommand(from, to);
    const messages = days.flatMap(({ date, error, next }) =>
      error === null ? [] : [`${date}: ${error} ${next ?? ''}`],
    );
    return html`<strong>${rangeOf(group, locale)}: ${text(`state.${state}`)}</strong>
      ${state === 'failed' && html`<span>${failureText(error_type, locale.language)}</span>`}
      <span>${needs(days[0], locale)}</span>
      ${recorded(messages, locale)} ${command(load)}`;
  });
}

function needs(day: DayStatus, { text }: Locale): string {
  const files = remainingFiles(day);
  return files.length > 0 ? text('needs', { files: files.join(', ') }) : '';
}

/** Equal warnings are one entry with their days; the rare ones come first. */
export function warnings(data: ReportData, locale: Locale): Html {
  const all = new Map<string, { days: DayStatus[]; messages: string[] }>();
  const add = (day: DayStatus, sentence: string, ...messages: string[]) => {
    const found = all.get(sentence) ?? { days: [], messages: [] };
    if (found.days.at(-1) !== day) found.days.push(day);
    found.messages.push(...messages.map((message) => `${day.date}: ${message}`));
    all.set(sentence, found);
  };
  for (const day of data.calendar) {
    const { accepted_missing: files } = day;
    if (files.length > 0) add(day, locale.text('acceptedWithout', { files: files.join(', ') }));
    for (const warning of day.warnings) {
      const known = warningText(warning, locale);
      if (known) add(day, known, warning);
      else add(day, locale.text('warning.other', { message: plainText(warning, MAX_MESSAGE) }));
    }
  }
  const stray = unlikelyDates(data.unlikely, locale);
  if (all.size === 0) return stray ?? html`<p>${locale.text('noWarnings')}</p>`;
  const newest = ({ days }: { days: DayStatus[] }) => days.at(-1)?.date ?? '';
  // Of equally rare ones the newest.
  const rareFirst = [...all].sort(
    ([, a], [, b]) => a.days.length - b.days.length || newest(b).localeCompare(newest(a)),
  );
  return html`${stray}
  ${entries(
    rareFirst,
    data,
    locale,
    ([sentence, { days, messages }]) =>
      html`<strong>${rangesOf(days, locale)}</strong> <span>${sentence}</span> ${recorded(messages, locale)}`,
  )}`;
}

/** Orders that are not in the range because a typing error has moved their date out of it (contract, ruling 50). */
function unlikelyDates(dates: ReportData['unlikely'], { text, count }: Locale): Html | undefined {
  const [first] = dates;
  if (!first) return undefined;
  const shown = dates.map(({ date, rows }) => `${date} (${count(rows)})`).join(', ');
  const more = first.dates - dates.length;
  return html`<p>${text('unlikely', { dates: shown + (more > 0 ? ` … (+${count(more)})` : '') })}</p>`;
}

/** The first entries, and the command that lists the others. */
function entries<E>(
  all: readonly E[],
  { from, to }: ReportData,
  { text }: Locale,
  entry: (one: E) => Html,
): Html {
  const more = all.length - MAX_ENTRIES;
  return html`<ul class="days">
      ${all.slice(0, MAX_ENTRIES).map((one) => html`<li>${entry(one)}</li>`)}
    </ul>
    ${
      more > 0 &&
      html`<p>
        ${text('moreEntries', { n: more })} ${command(`${CLIENT} status --from ${from} --to ${to}`)}
      </p>`
    }`;
}

/** The newest messages, as the runs have recorded them. */
function recorded(messages: readonly string[], { text }: Locale): Html | undefined {
  if (messages.length === 0) return undefined;
  const shown = messages.slice(-MAX_PARTS).reverse();
  return html`<details>
    <summary>${text('recorded', { n: messages.length })}</summary>
    ${shown.map((message) => html`<span lang="en">${plainText(message.trim(), MAX_MESSAGE)}</span>`)}
  </details>`;
}

export function command(line: string): Html {
  return html`<code lang="en">${line}</code>`;
}

/** The first day of a group, or its first and last. */
export function rangeOf({ from, to }: Group<DayStatus>, { text }: Locale): string {
  return from === to ? from : text('range', { from, to });
}

/** The newest of some days, as ranges, and how many they are. */
function rangesOf(days: readonly DayStatus[], locale: Locale): string {
  const groups = groupDays(days);
  const shown = groups.slice(-MAX_PARTS).reverse();
  const more = groups.length > shown.length ? ' …' : '';
  const ranges = shown.map((group) => rangeOf(group, locale)).join(', ') + more;
  return days.length === 1 ? ranges : `${ranges} (${locale.text('dayCount', { n: days.length })})`;
}
