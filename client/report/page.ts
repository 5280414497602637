import { readFileSync } from 'node:fs';
import { addDays } from '../../domain/load-date.ts';
import { attention, CLIENT, command, isOpen, warnings } from './attention.ts';
import type { ReportData } from './data.ts';
import { byDay, byLine, daysLoaded, rejectedRows, retention } from './chart-sections.ts';
import { html, Html } from './html.ts';
import { localeOf, type Locale } from './locale.ts';
import type { Language, TextKey } from './texts.ts';

/** No script runs, and nothing is loaded. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The report as one self-contained page. Undefined data: nothing was ever loaded. */
export function reportPage(data: ReportData | undefined, now: Date, language: Language): string {
  const locale = localeOf(language);
  const { text } = locale;
  const title = data ? text('reportOf', { from: data.from, to: data.to }) : text('report');
  const css = new Html(readFileSync(new URL('page.css', import.meta.url), 'utf8'));
  const created = text('created', { time: now.toISOString().slice(0, 16).replace('T', ' ') });
  return (
    html`<!doctype html>
      <html lang="${language}">
        <head>
          <meta charset="utf-8" />
          <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="referrer" content="no-referrer" />
          <title>${title}</title>
          <link rel="icon" href="data:," />
          <style>
            ${css}
          </style>
        </head>
        <body>
          <header>
            <h1>${text('report')}</h1>
            ${data ? about(data, created, locale) : html`<p class="quiet">${created}</p>`}
          </header>
          <main>
            ${data ? sections(data, locale) : html`<p>${text('empty')} ${command(`${CLIENT} run`)}</p>`}
          </main>
        </body>
      </html> `.text
      // Drop this file's indentation from the page.
      .replace(/\n\s+/g, '\n')
  );
}

function about(data: ReportData, created: string, locale: Locale): Html {
  const { from, to, newestLoaded, totals, recent, calendar } = data;
  const { text, count, money } = locale;
  const shown = (['revenue', 'orders', 'refunds', 'customers'] as const).map((key) => {
    const format = key === 'revenue' ? money : count;
    const value = format(totals[key]);
    if (!recent) return figureBox(text(key), value);
    const [last, previous] = [Number(recent.last[key]), Number(recent.previous[key])];
    const change = previous === 0 ? '–' : locale.change((last - previous) / Math.abs(previous));
    return figureBox(text(key), value, text('recent', { value: format(recent.last[key]), change }));
  });
  return html`<p class="quiet">
      ${text('about', { from, to, newest: newestLoaded ?? text('none') })} ${created}
    </p>
    <dl class="figures">
      ${shown} ${figureBox(text('daysNotLoaded'), count(calendar.filter(isOpen).length))}
    </dl>
    ${recentAbout(data, locale)}
    <nav aria-label="${text('sections')}">
      <ul>
        ${SECTIONS.map(([id]) => html`<li><a href="#${id}">${text(id)}</a></li>`)}
      </ul>
    </nav>`;
}

function figureBox(name: string, value: string, recent?: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd><strong>${value}</strong>${recent && html` <span class="quiet">${recent}</span>`}</dd>
  </div>`;
}

function recentAbout({ recent, calendar }: ReportData, { text }: Locale): Html | undefined {
  if (!recent) return undefined;
  const { from, to } = recent;
  const open = calendar.filter((day) => isOpen(day) && day.date >= addDays(to, -13) && day.date <= to).length;
  return html`<p class="quiet">
    ${text('recentAbout', { from, to })} ${open > 0 && text('recentOpen', { n: open })}
  </p>`;
}

type Section = [id: TextKey, body: (data: ReportData, locale: Locale) => Html];

const SECTIONS: readonly Section[] = [
  ['attention', attention],
  ['warnings', warnings],
  ['retention', retention],
  ['salesByDay', byDay],
  ['salesByCity', (data, locale) => byLine(data.cities, data, locale, 'revenuePerCity', 'city')],
  ['salesByItem', (data, locale) => byLine(data.items, data, locale, 'revenuePerItem', 'item')],
  ['daysLoaded', daysLoaded],
  ['rejected', rejectedRows],
];

function sections(data: ReportData, locale: Locale): Html[] {
  return SECTIONS.map(
    ([id, body]) =>
      html`<section aria-labelledby="${id}">
        <h2 id="${id}">${locale.text(id)}</h2>
        ${body(data, locale)}
      </section>`,
  );
}
