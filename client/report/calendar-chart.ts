import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { addDays, countDays, type LoadDate } from '../../domain/load-date.ts';
import { light } from './colours.ts';
import type { Locale } from './locale.ts';
import type { Chart, Viewport } from './svg.ts';
import { STATES } from './labels.ts';

const MONTH_ROW = 26;
const SIDE = 44;
const TOP = 46;

/** The state of every day: one square per day, Monday first, with a symbol as well as a colour. */
export function calendarChart(days: readonly DayStatus[], locale: Locale, viewport: Viewport): Chart {
  const { month, weekday } = locale.names;
  const nameOf = (state: DayState) => locale.text(`state.${state}`);
  const first = days[0]?.date ?? '';
  const last = days.at(-1)?.date ?? first;
  const side = viewport.narrow ? 30 : 26;
  const blocks = viewport.narrow
    ? [{ from: first, to: last }]
    : splitIntoBlocks(first, last, Math.floor((viewport.width - SIDE - 8) / side));
  const states = (Object.keys(STATES) as DayState[]).filter((state) =>
    days.some((day) => day.state === state),
  );
  const legendRows = Math.ceil((states.length * 150) / viewport.width);
  const top = TOP + (legendRows - 1) * 22;
  const blockHeight = 7 * side + MONTH_ROW + 10;
  const height = viewport.narrow ? (weeksBetween(first, last) + 1) * side : blocks.length * blockHeight;
  return {
    height: top + height + 12,
    option: {
      legend: {
        top: 0,
        left: 0,
        itemGap: 20,
        itemWidth: 16,
        itemHeight: 16,
        textStyle: { color: light('ink'), fontSize: 12 },
        data: states.map((state) => nameOf(state)),
      },
      calendar: blocks.map(({ from, to }, index) => ({
        orient: viewport.narrow ? 'vertical' : 'horizontal',
        range: [from, to],
        cellSize: [side, side],
        left: viewport.narrow ? 60 : SIDE,
        top: top + (viewport.narrow ? 22 : MONTH_ROW - 8 + index * blockHeight),
        splitLine: { show: false },
        itemStyle: { color: 'transparent', borderWidth: 0 },
        dayLabel: {
          firstDay: 1,
          color: light('muted'),
          fontSize: 12,
          nameMap: sundayFirst(weekday),
          margin: 6,
        },
        monthLabel: { color: light('muted'), fontSize: 12, nameMap: month, align: 'left' },
        yearLabel: { show: false },
      })),
      series: blocks.flatMap(({ from, to }, calendarIndex) =>
        states.map((state) => {
          const { mark, colour, ink } = STATES[state];
          return {
            type: 'scatter' as const,
            coordinateSystem: 'calendar' as const,
            calendarIndex,
            name: nameOf(state),
            color: colour,
            silent: true,
            symbol: 'roundRect',
            symbolSize: side - 4,
            itemStyle: { borderColor: light('ink'), borderWidth: 0.75, opacity: 1 },
            label: {
              show: true,
              formatter: () => mark,
              color: ink,
              fontSize: 13,
              fontWeight: 'bold' as const,
            },
            data: days
              .filter((day) => day.state === state && day.date >= from && day.date <= to)
              .map(({ date }) => [date, 1]),
          };
        }),
      ),
    },
  };
}

// ECharts expects Sunday first, whatever `firstDay` is.
function sundayFirst(weekday: readonly string[]): string[] {
  return [...weekday.slice(6), ...weekday.slice(0, 6)];
}

/** Ranges of at most that many whole weeks, drawn one below the other. */
function splitIntoBlocks(first: LoadDate, last: LoadDate, weeks: number): { from: LoadDate; to: LoadDate }[] {
  const blocks = [];
  for (let from = first; from <= last;) {
    const end = addDays(mondayOf(from), weeks * 7 - 1);
    const to = end < last ? end : last;
    blocks.push({ from, to });
    from = addDays(to, 1);
  }
  return blocks;
}

function weeksBetween(first: LoadDate, last: LoadDate): number {
  return Math.ceil(countDays(mondayOf(first), last) / 7);
}

function mondayOf(date: LoadDate): LoadDate {
  return addDays(date, -((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7));
}
