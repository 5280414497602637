import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import type { BarSeriesOption, LineSeriesOption, ScatterSeriesOption } from 'echarts/charts';
import { CalendarComponent, GridComponent, LegendComponent } from 'echarts/components';
import type { CalendarComponentOption, GridComponentOption, LegendComponentOption } from 'echarts/components';
import { init, setPlatformAPI, use, type ComposeOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { light, themed } from './colours.ts';
import { Html } from './html.ts';

use([BarChart, LineChart, ScatterChart, CalendarComponent, GridComponent, LegendComponent, SVGRenderer]);

// Without a canvas, ECharts measures Cyrillic letters as wide as Chinese ones and truncates names too early.
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

/** The space for a chart, in pixels. Each chart is drawn twice: for a phone, and for wider screens. */
export interface Viewport {
  narrow: boolean;
  width: number;
}

export interface Chart {
  height: number;
  option: ChartOption;
}

/** A scalable SVG, hidden from screen readers: its figure has a text alternative and a table. */
export function drawSvg({ width }: Viewport, { height, option }: Chart): Html {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: 'inherit', fontSize: 12, color: light('ink') },
      ...option,
    });
    const svg = chart.renderToSVGString();
    return new Html(
      themed(svg)
        .replace(/^<svg width="\d+" height="\d+"/, '<svg aria-hidden="true" focusable="false"')
        // Only interactive charts need these.
        .replace(/ ecmeta_\w+="[^"<>]*"| pointer-events="visible"/g, '')
        .replace(/<style >[^]*?<\/style>/g, ''),
    );
  } finally {
    chart.dispose();
  }
}
