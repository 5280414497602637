import { html, type Html } from './html.ts';
import type { Locale } from './locale.ts';

export interface Column<R> {
  title: string;
  /** The first column's cells are the rows' headers. */
  cell: (row: R) => string;
  /** The footer cell. */
  total?: string;
  /** Short text must not wrap, such as a date. */
  kind?: 'number' | 'short';
}

/** A collapsed table below a chart: the exact numbers, for screen readers and for copying. */
export function tableBelow<R>(
  title: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
  { text }: Locale,
): Html {
  const name = text('table', { title });
  const head = columns.map(({ kind, title }) => html`<th scope="col" class="${kind}">${title}</th>`);
  const body = rows.map((row) => tableRow(columns, ({ cell }) => cell(row)));
  const hasTotals = columns.some(({ total }) => total !== undefined);
  const foot =
    hasTotals &&
    html`<tfoot>
      ${tableRow(columns, ({ total }) => total)}
    </tfoot>`;
  return html`<details>
    <summary>${name}</summary>
    <div class="scroll" role="region" aria-label="${name}" tabindex="0">
      <table>
        <thead>
          <tr>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
        ${foot}
      </table>
    </div>
  </details>`;
}

/** Names are isolated, so that Arabic or Hebrew text does not reorder its neighbours. */
function tableRow<R>(columns: readonly Column<R>[], textOf: (column: Column<R>) => string | undefined): Html {
  const cells = columns.map((column, index) => {
    const { kind } = column;
    const shown = kind === 'number' ? textOf(column) : html`<bdi>${textOf(column)}</bdi>`;
    return index === 0
      ? html`<th scope="row" class="${kind}">${shown}</th>`
      : html`<td class="${kind}">${shown}</td>`;
  });
  return html`<tr>
    ${cells}
  </tr>`;
}
