import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { init, use } from 'echarts/core';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import { projectRoot } from '../../runtime/project-root.ts';

/** `npm run bench:charts`: draws the curves of docs/scaling.md from the last figures in bench/results/. */

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

interface Curve {
  name: string;
  points: [number, number][];
}

const WIDTH = 640;
const HEIGHT = 380;
/** Where each curve has its figures, so that they stay apart. */
const LABELS = ['right', 'top', 'bottom'];

function draw(
  title: string,
  x: { name: string; type: 'log' | 'category' },
  yName: string,
  curves: Curve[],
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const categories = curves[0]?.points.map(([value]) => amount(value));
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 16, top: 12, textStyle: { fontSize: 15 } },
    legend: { bottom: 8, itemGap: 48 },
    grid: { left: 64, right: 40, top: 80, bottom: 76 },
    xAxis: {
      type: x.type,
      name: x.name,
      nameLocation: 'middle',
      nameGap: 28,
      ...(x.type === 'category' ? { data: categories } : { axisLabel: { formatter: amount } }),
    },
    yAxis: { type: x.type === 'log' ? 'log' : 'value', name: yName, min: x.type === 'log' ? undefined : 0 },
    series: curves.map(({ name, points }, index) => ({
      type: 'line',
      name,
      symbolSize: 7,
      data: x.type === 'log' ? points : points.map(([, value]) => value),
      label: {
        show: true,
        position: LABELS[index],
        formatter: (shown: { value: unknown }) => label(shown.value),
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function label(value: unknown): string {
  const number = Number(Array.isArray(value) ? value[1] : value);
  return number >= 10 ? number.toFixed(0) : number.toFixed(2);
}

function amount(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${Math.round(value / 1e3)} k` : String(value);
}

async function figures<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(path.join(projectRoot, 'dev', 'bench', 'results', name), 'utf8')) as T;
}

async function save(name: string, svg: string): Promise<void> {
  await writeFile(path.join(projectRoot, 'docs', 'images', name), `${svg}\n`);
}

interface Load {
  rows: number;
  product: number;
  floor: number;
  bareCopy: number;
  peakMegabytes: number;
}

const { results: loads } = await figures<{ results: Load[] }>('load.json');
const curve = (name: string, of: (load: Load) => number): Curve => ({
  name,
  points: loads.map((load) => [load.rows, of(load)]),
});
await save(
  'bench-load.svg',
  draw('A load beside psql', { name: 'rows of the file', type: 'log' }, 'seconds', [
    curve('this product', (load) => load.product),
    curve('\\copy and the same SQL', (load) => load.floor),
    curve('\\copy alone', (load) => load.bareCopy),
  ]),
);

const grown = await figures<{ facts: number; first: number; again: number }[]>('growth.json');
await save(
  'bench-growth.svg',
  draw('One more day of 100,000 rows', { name: 'facts before', type: 'category' }, 'seconds', [
    { name: 'loaded for the first time', points: grown.map(({ facts, first }) => [facts, first]) },
    { name: 'loaded again', points: grown.map(({ facts, again }) => [facts, again]) },
  ]),
);
