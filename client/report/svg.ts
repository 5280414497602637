import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import type { BarSeriesOption, LineSeriesOption, ScatterSeriesOption } from 'echarts/charts';
import { CalendarComponent, GridComponent, LegendComponent } from 'echarts/components';
import type { CalendarComponentOption, GridComponentOption, LegendComponentOption } from 'echarts/components';
import { init, setPlatformAPI, use, type ComposeOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { Html } from './html.ts';

use([BarChart, LineChart, ScatterChart, CalendarComponent, GridComponent, LegendComponent, SVGRenderer]);

// Without a canvas ECharts takes a Cyrillic letter for as wide as a Chinese one, and cuts names at half their room.
setPlatformAPI({
  measureText: (text, font) => ({
    width: Array.from(text).length * Number(/(\d+(?:\.\d+)?)px/.exec(font ?? '')?.[1] ?? 12) * 0.6,
  }),
});

export type ChartOption = ComposeOption<
  | BarSeriesOption
  | LineSeriesOption
  | ScatterSeriesOption
  | CalendarComponentOption
  | GridComponentOption
  | LegendComponentOption
>;

/** How much room a chart has, in pixels. The same data are drawn for a phone and for everything wider. */
export interface Room {
  narrow: boolean;
  width: number;
}

export interface Chart {
  height: number;
  option: ChartOption;
}

/** An SVG that scales with its surroundings. It is hidden from screen readers: its figure has words and a table. */
export function drawSvg({ width }: Room, { height, option }: Chart): Html {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: 'inherit', fontSize: 12, color: INK },
      ...option,
    });
    const svg = chart.renderToSVGString();
    return new Html(
      svg
        .replace(/^<svg width="\d+" height="\d+"/, '<svg aria-hidden="true" focusable="false"')
        // For a pointer over a chart that answers; this one is a picture.
        .replace(/ ecmeta_\w+="[^"<>]*"| pointer-events="visible"/g, '')
        .replace(/<style >[^]*?<\/style>/g, ''),
    );
  } finally {
    chart.dispose();
  }
}

export const INK = '#1c2430';
/** Text of second rank: 7 : 1 on white. */
export const QUIET_INK = '#4a5565';
