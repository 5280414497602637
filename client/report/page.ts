import { readFileSync } from 'node:fs';
import { groupDays, loadCommand, rangeText } from '../day-groups.ts';
import type { DayStatus } from '../../schemas/documents.ts';
import { remarksOf } from '../status-text.ts';
import { CATEGORIES, type Line, type ReportData } from './data.ts';
import { calendarChart } from './calendar-chart.ts';
import { daysChart, linesChart, rejectedChart, weeksChart } from './charts.ts';
import { html, Html } from './html.ts';
import { count, money } from './numbers.ts';
import { drawSvg, type Chart, type Viewport } from './svg.ts';
import { tableBelow, type Column } from './table.ts';
import { othersText, ruleText, STATES, weekName } from './labels.ts';

/** No script runs, and nothing is loaded. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const WIDE: Viewport = { narrow: false, width: 900 };
const NARROW: Viewport = { narrow: true, width: 350 };

/** The report as one self-contained page. Undefined data: nothing was ever loaded. */
export function reportPage(data: ReportData | undefined, now: Date): string {
  const title = data ? `Sales report ${data.from} to ${data.to}` : 'Sales report';
  const css = new Html(readFileSync(new URL('page.css', import.meta.url), 'utf8'));
  return (
    html`<!doctype html>
      <html lang="en">
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
            <h1>Sales report</h1>
            ${data ? about(data, now) : html`<p class="quiet">Created ${instant(now)}.</p>`}
          </header>
          <main>${data ? sections(data) : nothingLoaded()}</main>
        </body>
      </html> `.text
      // Drop this file's indentation from the page.
      .replace(/\n\s+/g, '\n')
  );
}

function nothingLoaded(): Html {
  return html`<p>
    The mart is empty: no day has ever been loaded. Load one with
    <code>npm run client -- run</code>, then create this report again.
  </p>`;
}

function about({ from, to, newestLoaded, totals, calendar }: ReportData, now: Date): Html {
  const figures: [string, string][] = [
    ['Revenue', money(totals.revenue)],
    ['Orders shipped', count(totals.orders)],
    ['Orders refunded', count(totals.refunds)],
    ['Customers', count(totals.customers)],
    ['Days not loaded', count(calendar.filter(isOpen).length)],
  ];
  const links = SECTIONS.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  return html`<p class="quiet">
      ${from} to ${to}, net of refunds. Newest day loaded: ${newestLoaded ?? 'none'}. Created ${instant(now)}.
    </p>
    <dl class="figures">
      ${figures.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <nav aria-label="Sections">
      <ul>
        ${links}
      </ul>
    </nav>`;
}

function isOpen({ state }: { state: string }): boolean {
  return state === 'missing' || state === 'failed' || state === 'stale';
}

function instant(now: Date): string {
  return `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

interface Section {
  id: string;
  title: string;
  body: (data: ReportData) => Html;
}

const SECTIONS: readonly Section[] = [
  { id: 'retention', title: 'Weekly retention', body: retention },
  { id: 'days', title: 'Sales by day', body: byDay },
  {
    id: 'cities',
    title: 'Sales by city',
    body: ({ cities, totals }) => byLine(cities, totals, ['city', 'cities']),
  },
  {
    id: 'items',
    title: 'Sales by item',
    body: ({ items, totals }) => byLine(items, totals, ['item', 'items']),
  },
  { id: 'calendar', title: 'Days loaded', body: daysLoaded },
  { id: 'rejected', title: 'Rejected rows', body: rejectedRows },
];

function sections(data: ReportData): Html[] {
  return SECTIONS.map(
    ({ id, title, body }) =>
      html`<section aria-labelledby="${id}">
        <h2 id="${id}">${title}</h2>
        ${body(data)}
      </section>`,
  );
}

const NO_SALES = html`<p>No sales in this range.</p>`;

function retention({ weeks }: ReportData): Html {
  if (weeks.length === 0) return NO_SALES;
  const span = `${weekName(weeks[0]?.id ?? 0)} to ${weekName(weeks.at(-1)?.id ?? 0)}`;
  const columnsOf = (show: 'customers' | 'revenue'): Column<(typeof weeks)[number]>[] => [
    { title: 'Week', cell: ({ id }) => weekName(id), isShort: true },
    { title: 'Monday', cell: ({ start }) => start, isShort: true },
    ...CATEGORIES.map((category) => ({
      title: category,
      cell: (week: (typeof weeks)[number]) =>
        show === 'customers' ? count(week.customers[category]) : money(week.revenue[category]),
      isNumber: true,
    })),
  ];
  return html`${figure(
    'Customers per week',
    'New: exactly one shipped order in the week. Returning: more than one. Refunded: at least one refund, whether or ' +
      'not there were orders too. The first and last weeks are shown in full.',
    `Chart: new, returning and refunded customers per week, ${span}`,
    (viewport) => weeksChart(weeks, 'customers', viewport),
    tableBelow('customers per week', columnsOf('customers'), weeks),
  )}
  ${figure(
    'Revenue per week by customer category',
    'All rows of the customers in a category, with refunds negative. A customer can be in two categories, so ' +
      'the three do not add up to the total revenue.',
    `Chart: revenue from new, returning and refunded customers per week, ${span}`,
    (viewport) => weeksChart(weeks, 'revenue', viewport),
    tableBelow('revenue per week', columnsOf('revenue'), weeks),
  )}`;
}

function byDay({ days, totals, from, to }: ReportData): Html {
  const sold = days.filter(({ orders, refunds }) => orders + refunds > 0);
  if (sold.length === 0) return NO_SALES;
  return figure(
    'Revenue per day',
    'By order date, not by load date; net of refunds.',
    `Chart: revenue per day, ${from} to ${to}`,
    (viewport) => daysChart(days, viewport),
    tableBelow(
      `${sold.length} ${sold.length === 1 ? 'day' : 'days'} with sales`,
      [
        { title: 'Day', cell: ({ date }) => date, total: 'Total', isShort: true },
        ...salesColumns<(typeof sold)[number]>(totals),
      ],
      sold,
    ),
  );
}

function byLine(lines: readonly Line[], totals: ReportData['totals'], [one, many]: [string, string]): Html {
  if (lines.length === 0) return NO_SALES;
  const others = ({ members }: Line) => othersText(members, one, many);
  const isCut = lines.some(({ name }) => name === null);
  const about = isCut
    ? `The ${lines.length - 1} ${many} with the highest revenue, and all others together.`
    : `All ${many} with sales in the range, highest revenue first.`;
  return figure(
    `Revenue per ${one}`,
    about,
    `Chart: revenue per ${one}, highest first`,
    (viewport) => linesChart(lines, others, viewport),
    tableBelow(
      `revenue per ${one}`,
      [
        { title: one, cell: (line) => line.name ?? others(line), total: 'Total' },
        ...salesColumns<Line>(totals),
      ],
      lines,
    ),
  );
}

interface AnySales {
  orders: number;
  refunds: number;
  revenue: string;
}

function salesColumns<R extends AnySales>(totals: AnySales): Column<R>[] {
  return [
    { title: 'shipped', cell: ({ orders }) => count(orders), total: count(totals.orders), isNumber: true },
    {
      title: 'refunded',
      cell: ({ refunds }) => count(refunds),
      total: count(totals.refunds),
      isNumber: true,
    },
    { title: 'revenue', cell: ({ revenue }) => money(revenue), total: money(totals.revenue), isNumber: true },
  ];
}

function daysLoaded({ calendar }: ReportData): Html {
  const first = calendar[0]?.date;
  if (first === undefined) return html`<p>No day in this range is due yet.</p>`;
  const numbers = Object.entries(STATES).flatMap(([state, { name }]) => {
    const days = calendar.filter((day) => day.state === state).length;
    return days > 0 ? `${count(days)} ${name}` : [];
  });
  return figure(
    `Deliveries: ${numbers.join(', ')}`,
    'One square per load date. Days in any state other than loaded or no increment need attention.',
    `Calendar of the deliveries from ${first} to ${calendar.at(-1)?.date ?? first}: ${numbers.join(', ')}`,
    (viewport) => calendarChart(calendar, viewport),
    tableBelow(
      'state of each day',
      [
        { title: 'Day', cell: rangeText, isShort: true },
        { title: 'state', cell: ([{ state }]) => STATES[state].name },
        { title: 'days', cell: ({ length }) => count(length), isNumber: true },
        { title: 'rows kept', cell: (days) => count(sum(days, 'rows_kept')), isNumber: true },
        { title: 'rejected', cell: (days) => count(sum(days, 'rows_rejected')), isNumber: true },
        { title: 'remarks', cell: remarks },
      ],
      groupDays(
        calendar,
        (day, previous) => day.state === previous.state && !hasRemark(day) && !hasRemark(previous),
      ),
    ),
  );
}

function sum(days: readonly DayStatus[], count: 'rows_kept' | 'rows_rejected'): number {
  return days.reduce((total, day) => total + day[count], 0);
}

/** Other than rejected rows, which have their own column. */
function hasRemark(day: DayStatus): boolean {
  return remarksOf({ ...day, rows_rejected: 0 }).length > 0;
}

function remarks([first, ...others]: [DayStatus, ...DayStatus[]]): string {
  const last = others.at(-1) ?? first;
  if (first.state === 'missing' && !hasRemark(first)) return `Load: ${loadCommand(first.date, last.date)}`;
  return remarksOf({ ...first, rows_rejected: 0 }).join(' ');
}

function rejectedRows({ rejected }: ReportData): Html {
  if (rejected.length === 0) return html`<p>No rows were rejected in this range.</p>`;
  const rows = rejected.reduce((sum, reason) => sum + reason.rows, 0);
  return figure(
    'Rejected rows by reason',
    'By load date, from the newest load of each file. The rows themselves are in staging.rejected_row.',
    `Chart: ${count(rows)} rejected rows by reason, most frequent first`,
    (viewport) => rejectedChart(rejected, viewport),
    tableBelow(
      'rejected rows by reason',
      [
        {
          title: 'Reason',
          cell: ({ file, rule, members }) =>
            file === null ? othersText(members, 'reason', 'reasons') : ruleText(rule ?? ''),
          total: 'Total',
        },
        { title: 'column', cell: ({ column }) => column ?? '' },
        { title: 'file', cell: ({ file }) => file ?? '' },
        { title: 'rows', cell: (reason) => count(reason.rows), total: count(rows), isNumber: true },
      ],
      rejected,
    ),
  );
}

/** A chart with its caption, text alternative and table. */
function figure(
  title: string,
  about: string,
  label: string,
  chart: (viewport: Viewport) => Chart,
  table: Html,
): Html {
  return html`<figure>
    <figcaption><strong>${title}</strong> <span class="quiet">${about}</span></figcaption>
    <div role="img" aria-label="${label}. The numbers are in the table below.">
      <div class="wide">${drawSvg(WIDE, chart(WIDE))}</div>
      <div class="narrow">${drawSvg(NARROW, chart(NARROW))}</div>
    </div>
    ${table}
  </figure>`;
}
