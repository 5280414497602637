import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { groupDays, type Group } from '../day-groups.ts';
import { rangeOf } from './attention.ts';
import { bars } from './bars.ts';
import { calendar, MARKS } from './calendar.ts';
import { CATEGORIES, hasSales, type Category, type Line, type ReportData, type Sales } from './data.ts';
import { html, type Html } from './html.ts';
import type { Format, Locale } from './locale.ts';
import { plot } from './plot.ts';
import { tableBelow, type Column } from './table.ts';
import { TEXTS, type TextKey } from './texts.ts';

export function retention({ weeks }: ReportData, locale: Locale): Html {
  const { text, count, share, money, tick } = locale;
  if (weeks.length === 0) return html`<p>${text('noSales')}</p>`;
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
      title,
      text(about),
      plot(
        weeks.map(({ week }) => week.split('-').reverse().join(' ')),
        CATEGORIES.map((category) => ({
          name: text(category),
          kind: category,
          // Only a position in the chart: the table has the exact amount.
          values: weeks.map((week) => Number(valueOf(week, category))),
        })),
        onAxis,
      ),
      [
        { title: text('week'), cell: ({ week }) => week, kind: 'short' },
        { title: text('monday'), cell: ({ period_start }) => period_start, kind: 'short' },
        ...CATEGORIES.map((category): Column<Week> => ({
          title: text(category),
          cell: (week) => format(valueOf(week, category)),
          kind: 'number',
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

export function byDay({ days, totals }: ReportData, locale: Locale): Html {
  const { text } = locale;
  const values = days.map(({ revenue }) => Number(revenue));
  return figure(
    locale,
    'revenuePerDay',
    text('revenuePerDayAbout'),
    plot(
      days.map(({ date }) => `${date.slice(5)} ${date.slice(0, 4)}`),
      [{ name: text('revenue'), kind: 'bar', values }],
      locale.tick,
    ),
    [
      { title: text('day'), cell: ({ date }) => date, total: text('total'), kind: 'short' },
      ...salesColumns(totals, locale),
    ],
    days.filter(hasSales),
  );
}

/** By city or by item. */
export function byLine(
  lines: readonly Line[],
  { totals }: ReportData,
  locale: Locale,
  title: TextKey,
  one: TextKey,
): Html {
  const { text, money } = locale;
  const nameOf = ({ name, members }: Line) => name ?? text('others', { n: members });
  const named = lines.filter(({ name }) => name !== null).length;
  return figure(
    locale,
    title,
    text(named < lines.length ? 'highestAndOthers' : 'highestFirst', { n: named }),
    bars(
      lines.map((line) => ({ name: nameOf(line), value: line.revenue, isRest: line.name === null })),
      money,
    ),
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
    kind: 'number',
  }));
}

export function daysLoaded({ calendar: days }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  const states = (Object.keys(MARKS) as DayState[]).filter((one) => days.some(({ state }) => state === one));
  const counts = states.map(
    (one) => `${text(`state.${one}`)}: ${count(days.filter(({ state }) => state === one).length)}`,
  );
  const sum = (group: Group<DayStatus>, key: 'rows_kept' | 'rows_rejected') =>
    count(group.days.reduce((total, day) => total + day[key], 0));
  return figure(
    locale,
    'deliveries',
    text('deliveriesAbout', { states: counts.join(', ') }),
    calendar(days, states, locale),
    [
      { title: text('day'), cell: (group) => rangeOf(group, locale), kind: 'short' },
      { title: text('state'), cell: ({ days: [{ state }] }) => text(`state.${state}`) },
      { title: text('days'), cell: (group) => count(group.days.length), kind: 'number' },
      { title: text('rowsKept'), cell: (group) => sum(group, 'rows_kept'), kind: 'number' },
      { title: text('rowsRejected'), cell: (group) => sum(group, 'rows_rejected'), kind: 'number' },
    ],
    groupDays(days, (day, first) => day.state === first.state),
    'nothingDue',
  );
}

export function rejectedRows({ rejected }: ReportData, locale: Locale): Html {
  const { text, count } = locale;
  type Reason = (typeof rejected)[number];
  const ruleOf = ({ rule, members }: Reason) => {
    if (rule === null) return text('others', { n: members });
    const key = `rule.${rule}`;
    return Object.hasOwn(TEXTS, key) ? text(key as TextKey) : rule;
  };
  const shown = rejected.map((reason) => {
    const { file, column_name: column, rows: value } = reason;
    const rule = ruleOf(reason);
    return {
      name: file === null ? rule : `${column ?? text('row')} ${rule} (${file})`,
      value,
      isRest: file === null,
    };
  });
  return figure(
    locale,
    'rejectedByReason',
    text('rejectedAbout', { table: 'staging.rejected_row' }),
    bars(shown, count),
    [
      { title: text('reason'), cell: ruleOf, total: text('total') },
      { title: text('column'), cell: ({ column_name }) => column_name ?? '' },
      { title: text('file'), cell: ({ file }) => file ?? '' },
      {
        title: text('rows'),
        cell: ({ rows }) => count(rows),
        total: count(rejected.reduce((total, { rows }) => total + rows, 0)),
        kind: 'number',
      },
    ],
    rejected,
    'noneRejected',
  );
}

/** A chart with its caption, text alternative and table, or that there is nothing to show. */
function figure<R>(
  locale: Locale,
  titleKey: TextKey,
  about: string,
  chart: Html,
  columns: readonly Column<R>[],
  rows: readonly R[],
  none: TextKey = 'noSales',
): Html {
  if (rows.length === 0) return html`<p>${locale.text(none)}</p>`;
  const title = locale.text(titleKey);
  return html`<figure>
    <figcaption><strong>${title}</strong> <span class="quiet">${about}</span></figcaption>
    <div role="img" aria-label="${locale.text('chart', { title })}">
      <div aria-hidden="true">${chart}</div>
    </div>
    ${tableBelow(title, columns, rows, locale)}
  </figure>`;
}
