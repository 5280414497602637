import { html, type Html } from './html.ts';
import type { Locale } from './locale.ts';

export interface Column<R> {
  title: string;
  /** The first column's cells are the rows' headers. */
  cell: (row: R) => string;
  /** The footer cell. */
  total?: string;
  isNumber?: boolean;
  /** Short text that must not wrap, such as a date. */
  isShort?: boolean;
}

/** A collapsed table below a chart: the exact numbers, for screen readers and for copying. */
export function tableBelow<R>(
  title: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
  { text }: Locale,
): Html {
  const name = text('table', { title });
  return html`<details>
    <summary>${name}</summary>
    <div class="scroll" role="region" aria-label="${name}" tabindex="0">${table(columns, rows)}</div>
  </details>`;
}

function table<R>(columns: readonly Column<R>[], rows: readonly R[]): Html {
  const head = columns.map((column) => html`<th scope="col" ${className(column)}>${column.title}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${columns.map((column, index) => cell(column, index, column.cell(row)))}
      </tr>`,
  );
  const hasTotals = columns.some(({ total }) => total !== undefined);
  const foot = columns.map((column, index) => cell(column, index, column.total ?? ''));
  return html`<table>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
    ${
      hasTotals
        ? html`<tfoot>
            <tr>
              ${foot}
            </tr>
          </tfoot>`
        : ''
    }
  </table>`;
}

/** Names are isolated, so that Arabic or Hebrew text does not reorder its neighbours. */
function cell<R>(column: Column<R>, index: number, text: string): Html {
  if (index === 0) return html`<th scope="row" ${className(column)}><bdi>${text}</bdi></th>`;
  return html`<td${className(column)}>${column.isNumber ? text : html`<bdi>${text}</bdi>`}</td>`;
}

function className<R>({ isNumber, isShort }: Column<R>): Html {
  if (isNumber) return html` class="number"`;
  return isShort ? html` class="short"` : html``;
}
