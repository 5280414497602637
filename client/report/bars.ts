import { html, type Html } from './html.ts';

export interface Bar {
  name: string;
  value: number;
  /** The value as it is shown. */
  label: string;
  /** Of all the others together. */
  isRest: boolean;
}

/** Named bars: on a phone the name and the value stand above each, since neither fits beside it. */
export function bars(all: readonly Bar[]): Html {
  const values = all.map(({ value }) => value);
  const min = Math.min(0, ...values);
  const range = Math.max(0, ...values) - min || 1;
  const percent = (value: number) => `${((100 * value) / range).toFixed(1)}%`;
  return html`<div class="bars">
    ${all.map(
      ({ name, value, label, isRest }) =>
        html`<bdi>${name}</bdi><span>${label}</span>
          <div>
            <i
              class="${isRest ? 'others' : 'bar'}"
              style="margin-left:${percent(Math.min(0, value) - min)};width:${percent(Math.abs(value))}"
            ></i>
          </div>`,
    )}
  </div>`;
}
