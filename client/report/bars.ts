import { html, type Html } from './html.ts';
import type { Format } from './locale.ts';

/**
 * Named bars: on a phone the name and the value stand above each, since neither fits beside it.
 * @param isRest of all the others together
 */
export function bars<R>(
  rows: readonly R[],
  nameOf: (row: R) => string,
  valueOf: (row: R) => number | string,
  format: Format,
  isRest: (row: R) => boolean,
): Html {
  const values = rows.map((row) => Number(valueOf(row)));
  const min = Math.min(0, ...values);
  const range = Math.max(0, ...values) - min || 1;
  const percent = (value: number) => `${((100 * value) / range).toFixed(1)}%`;
  return html`<div class="bars">
    ${rows.map((row) => {
      const value = Number(valueOf(row));
      const place = `margin-left:${percent(Math.min(0, value) - min)};width:${percent(Math.abs(value))}`;
      return html`<bdi>${nameOf(row)}</bdi><span>${format(valueOf(row))}</span>
        <div><i class="${isRest(row) ? 'others' : 'bar'}" style="${place}"></i></div>`;
    })}
  </div>`;
}
