import { html, type Html } from './html.ts';

export interface Series {
  name: string;
  /** Its colour in page.css. */
  kind: 'new' | 'returning' | 'refunded' | 'bar';
  values: readonly number[];
}

/** More bars would be too thin to be told apart: several series are then lines. */
const MAX_BARS = 150;
const MAX_LABELS = 12;

/**
 * Series over time. Only the drawing is stretched to the width that there is: its texts stand around it as HTML, so that
 * one drawing does for a phone, a desk and paper.
 */
export function plot(
  labels: readonly string[],
  series: readonly Series[],
  tick: (value: number) => string,
): Html {
  const values = series.flatMap((one) => one.values);
  const marks = roundValues(Math.min(0, ...values), Math.max(0, ...values));
  const [bottom = 0, top = 0] = [marks[0], marks.at(-1)];
  const y = (value: number) => Number(((100 * (top - value)) / (top - bottom)).toFixed(2));
  const areLines = series.length > 1 && values.length > MAX_BARS;
  const share = labels.length > MAX_BARS ? 1 : 0.75;
  const paths = series.map(({ kind, values }, place) => {
    const points = values.map((value, index) => {
      const x = index + (1 - share) / 2 + (place * share) / series.length;
      return areLines
        ? `${index === 0 ? 'M' : 'L'}${index + 0.5} ${y(value)}`
        : `M${x.toFixed(2)} ${y(0)}V${y(value)}h${(share / series.length).toFixed(2)}V${y(0)}`;
    });
    return html`<path class="${kind} ${areLines ? 'line' : ''}" d="${points.join('')}" />`;
  });
  const every = Math.ceil(labels.length / MAX_LABELS);
  const shown = labels.flatMap((label, index) =>
    index % every === 0 ? { label, left: (100 * (index + 0.5)) / labels.length } : [],
  );
  return html`${series.length > 1 ? legend(series, areLines) : ''}
    <div class="plot">
      ${marks.map(
        (mark) =>
          html`<hr style="top:${y(mark)}%" />
            <span style="top:${y(mark)}%">${tick(mark)}</span>`,
      )}
      <svg viewBox="0 0 ${labels.length} 100" preserveAspectRatio="none">${paths}</svg>
      ${shown.map(({ label, left }) => html`<b style="left:${left.toFixed(2)}%">${label}</b>`)}
    </div>`;
}

function legend(series: readonly Series[], areLines: boolean): Html {
  const sign = areLines ? html`class="line" d="M0 5H20"` : html`d="M0 0H20V10H0"`;
  return html`<p class="legend">
    ${series.map(
      ({ name, kind }) =>
        html`<span class="${kind}"
          ><svg viewBox="0 0 20 10"><path ${sign} /></svg> ${name}</span
        >`,
    )}
  </p>`;
}

/** About five round values, evenly spaced, that enclose all others. */
function roundValues(min: number, max: number): number[] {
  const rough = (max - min) / 5 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5].find((times) => times * unit >= rough) ?? 10);
  const [first, last] = [Math.floor(min / step), Math.ceil(max / step) || 1];
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}
