import { readFileSync } from 'node:fs';
import { groupDays, loadCommand } from '../day-groups.ts';
import { INCREMENT_FILES } from '../../domain/feeds.ts';
import { addDays } from '../../domain/load-date.ts';
import type { DayState, DayStatus } from '../../schemas/documents.ts';
import {
  CATEGORIES,
  hasSales,
  type Line,
  type ReportData,
  type Sales,
  type Totals,
  type Week,
} from './data.ts';
import { calendarChart } from './calendar-chart.ts';
import { daysChart, linesChart, rejectedChart, weeksChart } from './charts.ts';
import { colourStyles } from './colours.ts';
import { html, Html } from './html.ts';
import { ruleText, STATES, weekName } from './labels.ts';
import { localeOf, type Locale } from './locale.ts';
import { drawSvg, type Chart, type Viewport } from './svg.ts';
import { tableBelow, type Column } from './table.ts';
import type { Language, TextKey } from './texts.ts';

/** No script runs, and nothing is loaded. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const WIDE: Viewport = { narrow: false, width: 900 };
const NARROW: Viewport = { narrow: true, width: 350 };
/** Days that need attention, and warnings: the newest; a command lists the others. */
const MAX_ENTRIES = 20;
const CLIENT = 'npm run client --';

/** The report as one self-contained page. Undefined data: nothing was ever loaded. */
export function reportPage(data: ReportData | undefined, now: Date, language: Language): string {
  const locale = localeOf(language);
  const { text } = locale;
  const title = data ? text('reportOf', { from: data.from, to: data.to }) : text('report');
  const css = new Html(colourStyles() + readFileSync(new URL('page.css', import.meta.url), 'utf8'));
  const created = text('created', { time: now.toISOString().slice(0, 16).replace('T', ' ') });
  return (
    html`<!doctype html>
      <html lang="${language}">
        <head>
          <meta charset="utf-8" />
          <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="referrer" content="no-referrer" />
          <title>${title}</title>
          <link rel="icon" href="data:," />
          <style>
            ${css}
          </style>
        </head>
        <body>
          <header>
            <h1>${text('report')}</h1>
            ${data ? about(data, created, locale) : html`<p class="quiet">${created}</p>`}
          </header>
          <main>
            ${data ? sections(data, locale) : html`<p>${text('empty')} ${command(`${CLIENT} run`)}</p>`}
          </main>
        </body>
      </html> `.text
      // Drop this file's indentation from the page.
      .replace(/\n\s+/g, '\n')
  );
}

function about(data: ReportData, created: string, locale: Locale): Html {
  const { from, to, newestLoaded, totals, recent, calendar } = data;
  const { text, count, money } = locale;
  const figures: [TextKey, (totals: Totals) => string, (totals: Totals) => number][] = [
    ['revenue', ({ revenue }) => money(revenue), ({ revenue }) => Number(revenue)],
    ['orders', ({ orders }) => count(orders), ({ orders }) => orders],
    ['refunds', ({ refunds }) => count(refunds), ({ refunds }) => refunds],
    ['customers', ({ customers }) => count(customers), ({ customers }) => customers],
  ];
  const shown = figures.map(([key, format, number]) => {
    if (!recent) return figureBox(text(key), format(totals));
    const [last, previous] = [number(recent.last), number(recent.previous)];
    const change = previous === 0 ? '–' : locale.change((last - previous) / Math.abs(previous));
    return figureBox(text(key), format(totals), text('recent', { value: format(recent.last), change }));
  });
  return html`<p class="quiet">
      ${text('about', { from, to, newest: newestLoaded ?? text('none') })} ${created}
    </p>
    <dl class="figures">
      ${shown} ${figureBox(text('daysNotLoaded'), count(calendar.filter(isOpen).length))}
    </dl>
    ${recent ? html`<p class="quiet">${recentAbout(recent, calendar, locale)}</p>` : ''}
    <nav aria-label="${text('sections')}">
      <ul>
        ${SECTIONS.map(([id]) => html`<li><a href="#${id}">${text(id)}</a></li>`)}
      </ul>
    </nav>`;
}

function figureBox(name: string, value: string, recent?: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>
      <strong>${value}</strong>${recent === undefined ? '' : html` <span class="quiet">${recent}</span>`}
    </dd>
  </div>`;
}

function recentAbout(
  { from, to }: { from: string; to: string },
  calendar: readonly DayStatus[],
  { text }: Locale,
): string {
  const open = calendar.filter((day) => isOpen(day) && day.date >= addDays(to, -13) && day.date <= to).length;
  return `${text('recentAbout', { from, to })} ${open > 0 ? text('recentOpen', { n: open }) : ''}`.trim();
}

function isOpen({ state }: DayStatus): boolean {
  return state === 'missing' || state === 'failed' || state === 'stale';
}

type Section = [id: TextKey, body: (data: ReportData, locale: Locale) => Html];

const SECTIONS: readonly Section[] = [
  ['attention', attention],
  ['warnings', warnings],
  ['retention', retention],
  ['salesByDay', byDay],
  [
    'salesByCity',
    ({ cities, totals }, locale) => byLine(cities, totals, locale, 'revenuePerCity', 'city', 'otherCities'),
  ],
  [
    'salesByItem',
    ({ items, totals }, locale) => byLine(items, totals, locale, 'revenuePerItem', 'item', 'otherItems'),
  ],
  ['daysLoaded', daysLoaded],
  ['rejected', rejectedRows],
];

function sections(data: ReportData, locale: Locale): Html[] {
  return SECTIONS.map(
    ([id, body]) =>
      html`<section aria-labelledby="${id}">
        <h2 id="${id}">${locale.text(id)}</h2>
        ${body(data, locale)}
      </section>`,
  );
}

/** The days that are not loaded, newest first: the reason, and the command that loads them. */
function attention(data: ReportData, locale: Locale): Html {
  if (data.calendar.length === 0) return html`<p>${locale.text('nothingDue')}</p>`;
  const groups = groupDays(
    data.calendar.filter(isOpen),
    (day, previous) =>
      day.state === previous.state &&
      day.error === previous.error &&
      missingFiles(day, locale) === missingFiles(previous, locale),
  );
  if (groups.length === 0) return html`<p>${locale.text('nothingOpen')}</p>`;
  return entries(groups, data, locale, (group) => {
    const [{ date, state, error, next }] = group;
    const load = group.length === 1 ? `${CLIENT} run --date ${date}` : loadCommand(date, lastOf(group));
    return html`<strong>${rangeOf(group, locale)}: ${locale.text(`state.${state}`)}</strong>
      <span>${missingFiles(group[0], locale)}</span>
      ${error === null ? '' : recorded([error, next ?? ''].join(' '))} ${command(load)}`;
  });
}

/** Where some of a day's files are loaded, those that are not. */
function missingFiles(day: DayStatus, { text }: Locale): string {
  const { missing_files: missing, accepted_missing: accepted } = day;
  const isPartial = missing.length > 0 && missing.length + accepted.length < INCREMENT_FILES.length;
  return isPartial ? text('needs', { files: missing.join(', ') }) : '';
}

function warnings(data: ReportData, locale: Locale): Html {
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

function command(line: string): Html {
  return html`<code lang="en">${line}</code>`;
}

function lastOf(group: [DayStatus, ...DayStatus[]]): string {
  return (group.at(-1) ?? group[0]).date;
}

function rangeOf(group: [DayStatus, ...DayStatus[]], { text }: Locale): string {
  const [from, to] = [group[0].date, lastOf(group)];
  return from === to ? from : text('range', { from, to });
}

function noSales({ text }: Locale): Html {
  return html`<p>${text('noSales')}</p>`;
}

function retention({ weeks }: ReportData, locale: Locale): Html {
  if (weeks.length === 0) return noSales(locale);
  const { text, count, share, money } = locale;
  const weekly = (
    title: TextKey,
    about: TextKey,
    show: 'customers' | 'shares' | 'revenue',
    format: (week: Week, category: (typeof CATEGORIES)[number]) => string,
  ) =>
    figure(
      locale,
      text(title),
      text(about),
      (viewport) => weeksChart(weeks, show, locale, viewport),
      [
        { title: text('week'), cell: ({ id }) => weekName(id), isShort: true },
        { title: text('monday'), cell: ({ start }) => start, isShort: true },
        ...CATEGORIES.map((category) => ({
          title: text(category),
          cell: (week: Week) => format(week, category),
          isNumber: true,
        })),
      ],
      weeks,
    );
  return html`${weekly('customersPerWeek', 'customersAbout', 'customers', ({ customers }, category) => count(customers[category]))}
  ${weekly('sharesPerWeek', 'sharesAbout', 'shares', ({ shares }, category) => share(shares[category]))}
  ${weekly('revenuePerWeek', 'revenuePerWeekAbout', 'revenue', ({ revenue }, category) => money(revenue[category]))}`;
}

function byDay({ days, totals }: ReportData, locale: Locale): Html {
  const { text } = locale;
  const sold = days.filter(hasSales);
  if (sold.length === 0) return noSales(locale);
  return figure(
    locale,
    text('revenuePerDay'),
    text('revenuePerDayAbout'),
    (viewport) => daysChart(days, locale, viewport),
    [
      { title: text('day'), cell: ({ date }) => date, total: text('total'), isShort: true },
      ...salesColumns(totals, locale),
    ],
    sold,
  );
}

function byLine(
  lines: readonly Line[],
  totals: Totals,
  locale: Locale,
  title: TextKey,
  one: TextKey,
  others: TextKey,
): Html {
  if (lines.length === 0) return noSales(locale);
  const { text } = locale;
  const nameOf = ({ name, members }: Line) => name ?? text(others, { n: members });
  const named = lines.filter(({ name }) => name !== null).length;
  return figure(
    locale,
    text(title),
    text(named < lines.length ? 'highestAndOthers' : 'highestFirst', { n: named }),
    (viewport) => linesChart(lines, nameOf, locale, viewport),
    [{ title: text(one), cell: nameOf, total: text('total') }, ...salesColumns(totals, locale)],
    lines,
  );
}

function salesColumns(totals: Sales, { text, count, money }: Locale): Column<Sales>[] {
  const columns: [TextKey, (sales: Sales) => string][] = [
    ['orders', ({ orders }) => count(orders)],
    ['refunds', ({ refunds }) => count(refunds)],
    ['revenue', ({ revenue }) => money(revenue)],
  ];
  return columns.map(([key, cell]) => ({ title: text(key), cell, total: cell(totals), isNumber: true }));
}

function daysLoaded({ calendar }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  if (calendar.length === 0) return html`<p>${text('nothingDue')}</p>`;
  const states = (Object.keys(STATES) as DayState[]).flatMap((state) => {
    const days = calendar.filter((day) => day.state === state).length;
    return days > 0 ? `${text(`state.${state}`)}: ${count(days)}` : [];
  });
  return figure(
    locale,
    text('deliveries'),
    text('deliveriesAbout', { states: states.join(', ') }),
    (viewport) => calendarChart(calendar, locale, viewport),
    [
      { title: text('day'), cell: (group) => rangeOf(group, locale), isShort: true },
      { title: text('state'), cell: ([{ state }]) => text(`state.${state}`) },
      { title: text('days'), cell: ({ length }) => count(length), isNumber: true },
      { title: text('rowsKept'), cell: (group) => count(sum(group, 'rows_kept')), isNumber: true },
      { title: text('rowsRejected'), cell: (group) => count(sum(group, 'rows_rejected')), isNumber: true },
    ],
    groupDays(calendar, (day, previous) => day.state === previous.state),
  );
}

function sum(days: readonly DayStatus[], count: 'rows_kept' | 'rows_rejected'): number {
  return days.reduce((total, day) => total + day[count], 0);
}

function rejectedRows({ rejected }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  if (rejected.length === 0) return html`<p>${text('noneRejected')}</p>`;
  return figure(
    locale,
    text('rejectedByReason'),
    text('rejectedAbout', { table: 'staging.rejected_row' }),
    (viewport) => rejectedChart(rejected, locale, viewport),
    [
      {
        title: text('reason'),
        cell: ({ file, rule, members }) =>
          file === null ? text('otherReasons', { n: members }) : ruleText(rule ?? '', locale),
        total: text('total'),
      },
      { title: text('column'), cell: ({ column }) => column ?? '' },
      { title: text('file'), cell: ({ file }) => file ?? '' },
      {
        title: text('rows'),
        cell: ({ rows }) => count(rows),
        total: count(rejected.reduce((total, { rows }) => total + rows, 0)),
        isNumber: true,
      },
    ],
    rejected,
  );
}

/** A chart with its caption, text alternative and table. */
function figure<R>(
  locale: Locale,
  title: string,
  about: string,
  chart: (viewport: Viewport) => Chart,
  columns: readonly Column<R>[],
  rows: readonly R[],
): Html {
  return html`<figure>
    <figcaption><strong>${title}</strong> <span class="quiet">${about}</span></figcaption>
    <div role="img" aria-label="${locale.text('chart', { title })}">
      <div class="wide">${drawSvg(WIDE, chart(WIDE))}</div>
      <div class="narrow">${drawSvg(NARROW, chart(NARROW))}</div>
    </div>
    ${tableBelow(title, columns, rows, locale)}
  </figure>`;
}
