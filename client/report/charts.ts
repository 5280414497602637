import type { BarSeriesOption } from 'echarts/charts';
import { plainText } from '../../domain/text.ts';
import { CATEGORIES, type Category, type DaySales, type Line, type Rejected, type Week } from './data.ts';
import { count, money, tick } from './numbers.ts';
import { INK, QUIET_INK, type Chart, type ChartOption, type Room } from './svg.ts';
import { reasonText, weekName } from './labels.ts';

/** Apart in hue and in lightness, so also in grey and for colour-blind eyes; each 3 : 1 or more on white. */
const CATEGORY_COLOURS: Record<Category, string> = {
  new: '#0b3c6f',
  returning: '#2a93d5',
  refunded: '#c2410c',
};
const CATEGORY_LINES: Record<Category, 'solid' | 'dashed' | 'dotted'> = {
  new: 'solid',
  returning: 'dashed',
  refunded: 'dotted',
};
const BAR = '#1f6fb2';
const OTHERS = '#7d8794';
const GRID_LINE = '#dde2e8';

/** Bars thinner than this are read better as a line. */
const THINNEST_BAR = 3;

/** Customers, or their revenue, per week and category. */
export function weeksChart(weeks: readonly Week[], show: 'customers' | 'revenue', room: Room): Chart {
  const asLines = room.width / weeks.length / CATEGORIES.length < THINNEST_BAR + 1;
  return {
    height: room.narrow ? 280 : 320,
    option: {
      grid: { left: 52, right: 12, top: 40, bottom: 40 },
      legend: legend(),
      xAxis: categoryAxis(weekLabels(weeks)),
      yAxis: valueAxis(),
      series: CATEGORIES.map((category) => {
        const common = {
          name: category,
          color: CATEGORY_COLOURS[category],
          // A position on the page, not an amount that anybody reads.
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
export function daysChart(days: readonly DaySales[], room: Room): Chart {
  const asLine = room.width / days.length < THINNEST_BAR;
  const data = days.map(({ revenue }) => Number(revenue));
  const labels = days.map(({ date }) => (room.narrow || days.length <= 366 ? date.slice(5) : date));
  return {
    height: room.narrow ? 240 : 280,
    option: {
      grid: { left: 52, right: 16, top: 16, bottom: 28 },
      xAxis: categoryAxis(labels),
      yAxis: valueAxis(),
      series: [
        asLine
          ? { type: 'line', showSymbol: false, silent: true, color: BAR, lineStyle: { width: 1.5 }, data }
          : { type: 'bar', silent: true, color: BAR, barCategoryGap: '20%', data },
      ],
    },
  };
}

/** Revenue per city or item, the greatest on top. */
export function linesChart(lines: readonly Line[], others: (line: Line) => string, room: Room): Chart {
  return rankedChart(
    lines.map((line) => ({
      name: line.name ?? others(line),
      value: Number(line.revenue),
      label: money(line.revenue),
      isRest: line.name === null,
    })),
    room,
  );
}

export function rejectedChart(rejected: readonly Rejected[], room: Room): Chart {
  return rankedChart(
    rejected.map((reason) => ({
      name: reasonText(reason),
      value: reason.rows,
      label: count(reason.rows),
      isRest: reason.file === null,
    })),
    room,
    0.5,
  );
}

interface Ranked {
  name: string;
  value: number;
  label: string;
  isRest: boolean;
}

/** On a phone name and amount stand above their bar: beside it there would be room for neither. */
function rankedChart(bars: readonly Ranked[], room: Room, nameShare = 0.36): Chart {
  return room.narrow ? stackedNames(bars, room) : namesBeside(bars, room, nameShare);
}

function namesBeside(bars: readonly Ranked[], { width }: Room, nameShare: number): Chart {
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

function stackedNames(bars: readonly Ranked[], { width }: Room): Chart {
  const characters = Math.floor(width / 7);
  const text = ({ name, label }: Ranked) =>
    `${shortened(plainText(name), characters - label.length - 2)}: ${label}`;
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
      axisLine: { show: names !== false, onZero: true, lineStyle: { color: QUIET_INK } },
      axisTick: { show: false },
      axisLabel: names === false ? { show: false } : { color: INK, fontSize: 12, interval: 0, ...names },
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
    data: bars.map(({ value, isRest }) => ({ value, itemStyle: { color: isRest ? OTHERS : BAR } })),
    label: {
      show: true,
      position,
      color: INK,
      fontSize: 12,
      formatter: ({ dataIndex }) => {
        const bar = bars[dataIndex];
        return bar ? text(bar) : '';
      },
    },
  };
}

/** By characters as people count them, so that no letter loses its accent. */
function shortened(text: string, characters: number): string {
  const graphemes = [...new Intl.Segmenter('ru').segment(text)].map(({ segment }) => segment);
  return graphemes.length <= characters ? text : `${graphemes.slice(0, characters - 1).join('')}…`;
}

/** The year stands below the first week, and where it changes. */
function weekLabels(weeks: readonly Week[]): string[] {
  return weeks.map(({ id }, index) => {
    const [year, week] = weekName(id).split('-') as [string, string];
    return weekName(weeks[index - 1]?.id ?? 0).startsWith(`${year}-`) ? week : `${week}\n${year}`;
  });
}

function legend(): NonNullable<ChartOption['legend']> {
  return { top: 4, left: 0, itemWidth: 22, itemHeight: 11, textStyle: { color: INK, fontSize: 12 } };
}

function categoryAxis(data: string[]): NonNullable<ChartOption['xAxis']> {
  return {
    type: 'category',
    data,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: QUIET_INK } },
    axisLabel: { color: QUIET_INK, fontSize: 12, lineHeight: 15, hideOverlap: true },
  };
}

function valueAxis(): NonNullable<ChartOption['yAxis']> {
  return {
    type: 'value',
    axisLabel: { color: QUIET_INK, fontSize: 12, formatter: (value: number) => tick(value) },
    splitLine: { lineStyle: { color: GRID_LINE } },
  };
}
