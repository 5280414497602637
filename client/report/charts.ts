import type { BarSeriesOption } from 'echarts/charts';
import { plainText } from '../../domain/text.ts';
import { CATEGORIES, type Category, type DaySales, type Line, type Rejected, type Week } from './data.ts';
import { light } from './colours.ts';
import type { Locale } from './locale.ts';
import type { Chart, ChartOption, Viewport } from './svg.ts';
import { reasonText, weekName } from './labels.ts';

const CATEGORY_LINES: Record<Category, 'solid' | 'dashed' | 'dotted'> = {
  new: 'solid',
  returning: 'dashed',
  refunded: 'dotted',
};
/** Thinner bars, in pixels, are drawn as a line. */
const MIN_BAR_WIDTH = 3;

/** Customers, their shares, or their revenue, per week and category. */
export function weeksChart(
  weeks: readonly Week[],
  show: 'customers' | 'shares' | 'revenue',
  locale: Locale,
  viewport: Viewport,
): Chart {
  const asLines = viewport.width / weeks.length / CATEGORIES.length < MIN_BAR_WIDTH + 1;
  return {
    height: viewport.narrow ? 280 : 320,
    option: {
      grid: { left: 66, right: 12, top: 40, bottom: 40 },
      legend: legend(),
      xAxis: categoryAxis(weekLabels(weeks)),
      yAxis: valueAxis(show === 'shares' ? locale.share : locale.tick),
      series: CATEGORIES.map((category) => {
        const common = {
          name: locale.text(category),
          color: light(category),
          // Only a position in the chart: the table has the exact amount.
          data: weeks.map((week) => Number(week[show][category])),
          silent: true,
        };
        return asLines
          ? {
              ...common,
              type: 'line' as const,
              showSymbol: false,
              lineStyle: { type: CATEGORY_LINES[category], width: 2 },
            }
          : { ...common, type: 'bar' as const, barGap: '8%', barCategoryGap: '28%' };
      }),
    },
  };
}

/** Revenue per day. */
export function daysChart(days: readonly DaySales[], locale: Locale, viewport: Viewport): Chart {
  const asLine = viewport.width / days.length < MIN_BAR_WIDTH;
  const data = days.map(({ revenue }) => Number(revenue));
  const labels = days.map(({ date }) => (viewport.narrow || days.length <= 366 ? date.slice(5) : date));
  return {
    height: viewport.narrow ? 240 : 280,
    option: {
      grid: { left: 66, right: 16, top: 16, bottom: 28 },
      xAxis: categoryAxis(labels),
      yAxis: valueAxis(locale.tick),
      series: [
        asLine
          ? {
              type: 'line',
              showSymbol: false,
              silent: true,
              color: light('bar'),
              lineStyle: { width: 1.5 },
              data,
            }
          : { type: 'bar', silent: true, color: light('bar'), barCategoryGap: '20%', data },
      ],
    },
  };
}

/** Revenue per city or item, highest first. */
export function linesChart(
  lines: readonly Line[],
  others: (line: Line) => string,
  locale: Locale,
  viewport: Viewport,
): Chart {
  return rankedChart(
    lines.map((line) => ({
      name: line.name ?? others(line),
      value: Number(line.revenue),
      label: locale.money(line.revenue),
      isRest: line.name === null,
    })),
    viewport,
  );
}

export function rejectedChart(rejected: readonly Rejected[], locale: Locale, viewport: Viewport): Chart {
  return rankedChart(
    rejected.map((reason) => ({
      name: reasonText(reason, locale),
      value: reason.rows,
      label: locale.count(reason.rows),
      isRest: reason.file === null,
    })),
    viewport,
    0.5,
  );
}

interface Ranked {
  name: string;
  value: number;
  label: string;
  isRest: boolean;
}

/** On a phone, name and amount go above the bar, since neither fits beside it. */
function rankedChart(bars: readonly Ranked[], viewport: Viewport, nameShare = 0.36): Chart {
  return viewport.narrow ? namesAbove(bars, viewport) : namesBeside(bars, viewport, nameShare);
}

function namesBeside(bars: readonly Ranked[], { width }: Viewport, nameShare: number): Chart {
  const nameWidth = Math.round(width * nameShare);
  const longestLabel = Math.max(...bars.map(({ label }) => label.length));
  return {
    height: bars.length * 26 + 8,
    option: {
      grid: { left: nameWidth + 12, right: longestLabel * 7 + 12, top: 4, bottom: 4 },
      ...rankedAxes(bars, { overflow: 'truncate', width: nameWidth }),
      series: [rankedSeries(bars, 16, 'right', ({ label }) => label)],
    },
  };
}

function namesAbove(bars: readonly Ranked[], { width }: Viewport): Chart {
  const characters = Math.floor(width / 7.5);
  const text = ({ name, label }: Ranked) =>
    `${truncate(plainText(name), characters - label.length - 2)}: ${label}`;
  return {
    height: bars.length * 40 + 16,
    option: {
      grid: { left: 1, right: 4, top: 12, bottom: 4 },
      ...rankedAxes(bars, false),
      series: [rankedSeries(bars, 12, [0, -15], text)],
    },
  };
}

interface AxisNames {
  overflow: 'truncate';
  width: number;
}

function rankedAxes(bars: readonly Ranked[], names: AxisNames | false): Pick<ChartOption, 'xAxis' | 'yAxis'> {
  return {
    xAxis: { type: 'value', show: false, min: ({ min }) => Math.min(0, min) },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ name }) => plainText(name)),
      axisLine: { show: names !== false, onZero: true, lineStyle: { color: light('muted') } },
      axisTick: { show: false },
      axisLabel:
        names === false ? { show: false } : { color: light('ink'), fontSize: 12, interval: 0, ...names },
    },
  };
}

function rankedSeries(
  bars: readonly Ranked[],
  barWidth: number,
  position: 'right' | [number, number],
  text: (bar: Ranked) => string,
): BarSeriesOption {
  return {
    type: 'bar',
    silent: true,
    barWidth,
    data: bars.map(({ value, isRest }) => ({
      value,
      itemStyle: { color: light(isRest ? 'others' : 'bar') },
    })),
    label: {
      show: true,
      position,
      color: light('ink'),
      fontSize: 12,
      formatter: ({ dataIndex }) => {
        const bar = bars[dataIndex];
        return bar ? text(bar) : '';
      },
    },
  };
}

/** Counts graphemes, so that no letter loses its accent. */
function truncate(text: string, characters: number): string {
  // Cut first: segmenting costs the square of a text's length in Node 20.
  const start = text.slice(0, 8 * characters);
  const graphemes = [...new Intl.Segmenter('ru').segment(start)].map(({ segment }) => segment);
  return graphemes.length <= characters && start === text
    ? text
    : `${graphemes.slice(0, characters - 1).join('')}…`;
}

/** The year is shown below the first week, and where it changes. */
function weekLabels(weeks: readonly Week[]): string[] {
  return weeks.map(({ id }, index) => {
    const [year, week] = weekName(id).split('-') as [string, string];
    return weekName(weeks[index - 1]?.id ?? 0).startsWith(`${year}-`) ? week : `${week}\n${year}`;
  });
}

function legend(): NonNullable<ChartOption['legend']> {
  return {
    top: 4,
    left: 0,
    itemGap: 20,
    itemWidth: 22,
    itemHeight: 11,
    textStyle: { color: light('ink'), fontSize: 12 },
  };
}

function categoryAxis(data: string[]): NonNullable<ChartOption['xAxis']> {
  return {
    type: 'category',
    data,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: light('muted') } },
    axisLabel: { color: light('muted'), fontSize: 12, lineHeight: 15, hideOverlap: true },
  };
}

function valueAxis(label: (value: number) => string): NonNullable<ChartOption['yAxis']> {
  return {
    type: 'value',
    axisLabel: { color: light('muted'), fontSize: 12, formatter: label },
    splitLine: { lineStyle: { color: light('grid') } },
  };
}
