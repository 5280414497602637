import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { groupDays } from '../day-groups.ts';
import { rangeOf } from './attention.ts';
import { bars } from './bars.ts';
import { calendar, MARKS } from './calendar.ts';
import { CATEGORIES, hasSales, type Category, type Line, type ReportData, type Sales } from './data.ts';
import { html, type Html } from './html.ts';
import type { Format, Locale } from './locale.ts';
import { plot } from './plot.ts';
import { tableBelow, type Column } from './table.ts';
import { TEXTS, type TextKey } from './texts.ts';

function noSales({ text }: Locale): Html {
  return html`<p>${text('noSales')}</p>`;
}

export function retention({ weeks }: ReportData, locale: Locale): Html {
  if (weeks.length === 0) return noSales(locale);
  const { text, count, share, money, tick } = locale;
  type Week = (typeof weeks)[number];
  const weekly = (
    title: TextKey,
    about: TextKey,
    valueOf: (week: Week, category: Category) => number | string,
    format: Format,
    onAxis = tick,
  ) =>
    figure(
      locale,
      text(title),
      text(about),
      plot(
        weeks.map(({ period_id }) => weekName(period_id).split('-').reverse().join(' ')),
        CATEGORIES.map((category) => ({
          name: text(category),
          kind: category,
          // Only a position in the chart: the table has the exact amount.
          values: weeks.map((week) => Number(valueOf(week, category))),
        })),
        onAxis,
      ),
      [
        { title: text('week'), cell: ({ period_id }) => weekName(period_id), isShort: true },
        { title: text('monday'), cell: ({ period_start }) => period_start, isShort: true },
        ...CATEGORIES.map((category) => ({
          title: text(category),
          cell: (week: Week) => format(valueOf(week, category)),
          isNumber: true,
        })),
      ],
      weeks,
    );
  const customers = (week: Week, category: Category) => week[`${category}_customers_count`];
  const shares = (week: Week, category: Category) => customers(week, category) / week.customers;
  const revenue = (week: Week, category: Category) => week[`${category}_customers_revenue`];
  return html`${weekly('customersPerWeek', 'customersAbout', customers, count)}
  ${weekly('sharesPerWeek', 'sharesAbout', shares, share, share)}
  ${weekly('revenuePerWeek', 'revenuePerWeekAbout', revenue, money)}`;
}

/** 202408 as 2024-W08. */
function weekName(id: number): string {
  return `${Math.floor(id / 100)}-W${String(id % 100).padStart(2, '0')}`;
}

export function byDay({ days, totals }: ReportData, locale: Locale): Html {
  const { text } = locale;
  const sold = days.filter(hasSales);
  if (sold.length === 0) return noSales(locale);
  const values = days.map(({ revenue }) => Number(revenue));
  return figure(
    locale,
    text('revenuePerDay'),
    text('revenuePerDayAbout'),
    plot(
      days.map(({ date }) => `${date.slice(5)} ${date.slice(0, 4)}`),
      [{ name: text('revenue'), kind: 'bar', values }],
      locale.tick,
    ),
    [
      { title: text('day'), cell: ({ date }) => date, total: text('total'), isShort: true },
      ...salesColumns(totals, locale),
    ],
    sold,
  );
}

export function byCity({ cities, totals }: ReportData, locale: Locale): Html {
  return byLine(cities, totals, locale, 'revenuePerCity', 'city');
}

export function byItem({ items, totals }: ReportData, locale: Locale): Html {
  return byLine(items, totals, locale, 'revenuePerItem', 'item');
}

function byLine(
  lines: readonly Line[],
  totals: Sales,
  locale: Locale,
  title: TextKey,
  one: 'city' | 'item',
): Html {
  if (lines.length === 0) return noSales(locale);
  const { text, money } = locale;
  const nameOf = ({ name, members }: Line) => name ?? text('others', { n: members });
  const named = lines.filter(({ name }) => name !== null).length;
  const shown = lines.map((line) => ({
    name: nameOf(line),
    value: Number(line.revenue),
    label: money(line.revenue),
    isRest: line.name === null,
  }));
  return figure(
    locale,
    text(title),
    text(named < lines.length ? 'highestAndOthers' : 'highestFirst', { n: named }),
    bars(shown),
    [{ title: text(one), cell: nameOf, total: text('total') }, ...salesColumns(totals, locale)],
    lines,
  );
}

function salesColumns(totals: Sales, { text, count, money }: Locale): Column<Sales>[] {
  const columns = [
    ['orders', count],
    ['refunds', count],
    ['revenue', money],
  ] as const;
  return columns.map(([key, format]) => ({
    title: text(key),
    cell: (sales) => format(sales[key]),
    total: format(totals[key]),
    isNumber: true,
  }));
}

export function daysLoaded({ calendar: days }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  if (days.length === 0) return html`<p>${text('nothingDue')}</p>`;
  const states = (Object.keys(MARKS) as DayState[]).filter((one) => days.some(({ state }) => state === one));
  const counts = states.map(
    (one) => `${text(`state.${one}`)}: ${count(days.filter(({ state }) => state === one).length)}`,
  );
  const sum = (group: readonly DayStatus[], key: 'rows_kept' | 'rows_rejected') =>
    count(group.reduce((total, day) => total + day[key], 0));
  return figure(
    locale,
    text('deliveries'),
    text('deliveriesAbout', { states: counts.join(', ') }),
    calendar(days, states, locale),
    [
      { title: text('day'), cell: (group) => rangeOf(group, locale), isShort: true },
      { title: text('state'), cell: ([{ state }]) => text(`state.${state}`) },
      { title: text('days'), cell: ({ length }) => count(length), isNumber: true },
      { title: text('rowsKept'), cell: (group) => sum(group, 'rows_kept'), isNumber: true },
      { title: text('rowsRejected'), cell: (group) => sum(group, 'rows_rejected'), isNumber: true },
    ],
    groupDays(days, (day, previous) => day.state === previous.state),
  );
}

export function rejectedRows({ rejected }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  if (rejected.length === 0) return html`<p>${text('noneRejected')}</p>`;
  type Reason = (typeof rejected)[number];
  const ruleOf = ({ rule, members }: Reason) => {
    if (rule === null) return text('others', { n: members });
    const key = `rule.${rule}`;
    return Object.hasOwn(TEXTS, key) ? text(key as TextKey) : rule;
  };
  const shown = rejected.map((reason) => ({
    name:
      reason.file === null
        ? ruleOf(reason)
        : `${reason.column_name ?? text('row')} ${ruleOf(reason)} (${reason.file})`,
    value: reason.rows,
    label: count(reason.rows),
    isRest: reason.file === null,
  }));
  return figure(
    locale,
    text('rejectedByReason'),
    text('rejectedAbout', { table: 'staging.rejected_row' }),
    bars(shown),
    [
      { title: text('reason'), cell: ruleOf, total: text('total') },
      { title: text('column'), cell: ({ column_name }) => column_name ?? '' },
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
  chart: Html,
  columns: readonly Column<R>[],
  rows: readonly R[],
): Html {
  return html`<figure>
    <figcaption><strong>${title}</strong> <span class="quiet">${about}</span></figcaption>
    <div role="img" aria-label="${locale.text('chart', { title })}">
      <div aria-hidden="true">${chart}</div>
    </div>
    ${tableBelow(title, columns, rows, locale)}
  </figure>`;
}
