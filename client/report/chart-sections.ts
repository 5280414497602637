import { groupDays } from '../day-groups.ts';
import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { rangeOf } from './attention.ts';
import { calendarChart } from './calendar-chart.ts';
import { daysChart, linesChart, rejectedChart, weeksChart } from './charts.ts';
import {
  CATEGORIES,
  hasSales,
  type Line,
  type ReportData,
  type Sales,
  type Totals,
  type Week,
} from './data.ts';
import { html, type Html } from './html.ts';
import { ruleText, STATES, weekName } from './labels.ts';
import type { Locale } from './locale.ts';
import { drawSvg, type Chart, type Viewport } from './svg.ts';
import { tableBelow, type Column } from './table.ts';
import type { TextKey } from './texts.ts';

const WIDE: Viewport = { narrow: false, width: 900 };
const NARROW: Viewport = { narrow: true, width: 350 };

function noSales({ text }: Locale): Html {
  return html`<p>${text('noSales')}</p>`;
}

export function retention({ weeks }: ReportData, locale: Locale): Html {
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

export function byDay({ days, totals }: ReportData, locale: Locale): Html {
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

export function byCity({ cities, totals }: ReportData, locale: Locale): Html {
  return byLine(cities, totals, locale, 'revenuePerCity', 'city', 'otherCities');
}

export function byItem({ items, totals }: ReportData, locale: Locale): Html {
  return byLine(items, totals, locale, 'revenuePerItem', 'item', 'otherItems');
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

export function daysLoaded({ calendar }: ReportData, locale: Locale): Html {
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

export function rejectedRows({ rejected }: ReportData, locale: Locale): Html {
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
