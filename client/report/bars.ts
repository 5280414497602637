import { html, type Html } from './html.ts';
import type { Format } from './locale.ts';

export interface Bar {
  name: string;
  value: number | string;
  /** Of all the others together. */
  isRest: boolean;
}

/** Named bars: on a phone the name and the value stand above each, since neither fits beside it. */
export function bars(all: readonly Bar[], format: Format): Html {
  const values = all.map(({ value }) => Number(value));
  const min = Math.min(0, ...values);
  const range = Math.max(0, ...values) - min || 1;
  const percent = (value: number) => `${((100 * value) / range).toFixed(1)}%`;
  return html`<div class="bars">
    ${all.map(({ name, value, isRest }) => {
      const place = `margin-left:${percent(Math.min(0, Number(value)) - min)};width:${percent(Math.abs(Number(value)))}`;
      return html`<bdi>${name}</bdi><span>${format(value)}</span>
        <div><i class="${isRest ? 'others' : 'bar'}" style="${place}"></i></div>`;
    })}
  </div>`;
}
