import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { groupDays } from '../day-groups.ts';
import { html, type Html } from './html.ts';
import type { Locale } from './locale.ts';

/** The mark of a state; page.css has its colour. */
export const MARKS: Record<DayState, string> = {
  loaded: '✓',
  no_increment: '–',
  missing: '?',
  failed: '✗',
  stale: '!',
  running: '…',
};

/** The state of every day: months of squares, Monday first, with a mark as well as a colour. */
export function calendar(days: readonly DayStatus[], states: readonly DayState[], locale: Locale): Html {
  const months = groupDays(days, (day, first) => day.date.slice(0, 7) === first.date.slice(0, 7));
  return html`<p class="legend">
      ${states.map((state) => html`<span>${square(state)} ${locale.text(`state.${state}`)}</span>`)}
    </p>
    <div class="months">
      ${months.map(({ from, days: month }) => {
        // Sunday is 0, and comes last.
        const column = new Date(from).getUTCDay() || 7;
        return html`<div>
          <strong>${locale.month(from)}</strong>${locale.weekdays.map((name) => html`<span>${name}</span>`)}
          ${month.map(({ state }, index) => square(state, index === 0 ? column : 'auto'))}
        </div>`;
      })}
    </div>`;
}

function square(state: DayState, column: number | 'auto' = 'auto'): Html {
  return html`<i class="${state}" style="grid-column:${column}">${MARKS[state]}</i>`;
}
