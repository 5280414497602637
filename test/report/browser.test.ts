import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { createTestDatabase } from '../support/database.ts';
import { client } from '../support/processes.ts';
import { LANGUAGES, type Language } from '../../client/report/texts.ts';
import { Browser, findBrowser } from '../support/browser.ts';
import { fillLargeMart, LARGE_FROM, LARGE_TO } from './large-mart.ts';
import { fillMart } from './sample-mart.ts';

const executable = findBrowser();
const skip = executable === undefined && 'no Chromium: apt-get install chromium, or set CHROMIUM';

const LARGE_WARNINGS = [
  ['2025-04-10', 'Accepted without customer_research_inc.'],
  [' (days: 12)', 'price_log_inc has far fewer rows than usual; check at the source whether it is complete.'],
  [' (days: 365)', 'user_order_log_inc: columns that are unknown are ignored, number 14.'],
];

describe('the report in Chromium', { skip }, () => {
  let directory: string;
  let browser: Browser;
  /** What was begun, also when the rest failed. */
  const stops: (() => Promise<unknown>)[] = [];
  const file = (name: string) => path.join(directory, name);
  const open = (language: Language) => browser.open(pathToFileURL(file(`${language}.html`)).href);
  const media = (scheme: 'light' | 'dark', type = 'screen') =>
    browser.send('Emulation.setEmulatedMedia', {
      media: type,
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });

  before(async () => {
    assert.ok(executable);
    directory = await mkdtemp(path.join(tmpdir(), 'report-'));
    stops.push(() => rm(directory, { recursive: true, force: true }));
    const db = await createTestDatabase();
    try {
      await fillMart(db);
      for (const language of LANGUAGES) {
        const ended = await client(['report', '--out', file(`${language}.html`), '--language', language], {
          DATABASE_URL: db.url,
        });
        assert.equal(ended.code, 0, ended.stderr);
      }
    } finally {
      await db.drop();
    }
    const large = await createTestDatabase();
    try {
      await fillLargeMart(large);
      for (const language of LANGUAGES) {
        const out = ['--out', file(`large-${language}.html`), '--language', language];
        const ended = await client(['report', ...out, '--from', LARGE_FROM, '--to', LARGE_TO], {
          DATABASE_URL: large.url,
        });
        assert.equal(ended.code, 0, ended.stderr);
      }
    } finally {
      await large.drop();
    }
    browser = await Browser.start(executable);
    stops.push(() => browser.close());
    for (const domain of ['Network', 'Log', 'Runtime', 'Accessibility'])
      await browser.send(`${domain}.enable`);
    await open('en');
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  test('asks for nothing but itself, and the browser has nothing to say about it', () => {
    const requests = browser.events
      .filter(({ method }) => method === 'Network.requestWillBeSent')
      .map(({ params }) => (params.request as { url: string }).url);
    assert.deepEqual(
      requests.filter((url) => url !== 'data:,'),
      [pathToFileURL(file('en.html')).href],
    );
    const said = ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'];
    assert.deepEqual(
      browser.events.filter(({ method }) => said.includes(method)),
      [],
    );
  });

  for (const width of [320, 390, 1280]) {
    test(`fits a window of ${width} pixels, with letters that can be read`, async () => {
      await browser.size(width);
      assert.equal(await browser.evaluate('document.documentElement.scrollWidth'), width);
      const letters = await browser.evaluate(`Math.min(...[...document.querySelectorAll('[role=img] *')]
          .map((part) => parseFloat(getComputedStyle(part).fontSize)))`);
      assert.ok(Number(letters) >= 12, `${String(letters)} px`);
    });
  }

  test('no text of a chart stands over its edge, or over another one', async () => {
    for (const language of LANGUAGES) {
      await open(language);
      for (const width of [320, 390, 1280]) {
        await browser.size(width);
        const [charts, texts, wrong] = (await browser.evaluate(`(() => {
          const charts = [...document.querySelectorAll('[role=img]')].map((chart) => ({
            outer: chart.getBoundingClientRect(),
            texts: [...chart.querySelectorAll('b, span, bdi')].map((text) => [text.textContent, text.getBoundingClientRect()])
              .filter(([, { width }]) => width > 0),
          }));
          const wrong = charts.flatMap(({ outer, texts }) => texts.filter(([, inner], index) =>
            inner.left < outer.left || inner.right > outer.right || inner.top < outer.top || inner.bottom > outer.bottom
              || texts.slice(index + 1).some(([, other]) => inner.left < other.right - 1 && other.left < inner.right - 1
                && inner.top < other.bottom - 1 && other.top < inner.bottom - 1)));
          return [charts.length, charts.flatMap(({ texts }) => texts).length, wrong.map(([text]) => text)];
        })()`)) as [number, number, string[]];
        assert.ok(charts === 8 && texts > 100, `${charts} charts, ${texts} texts`);
        assert.deepEqual(wrong, [], `${language}, ${width} pixels`);
      }
    }
    await open('en');
  });

  test('a screen reader finds headings, named pictures and tables with headers', async () => {
    await browser.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
    const { nodes } = await browser.send('Accessibility.getFullAXTree');
    const shown = (nodes as { ignored: boolean; role: { value: string }; name?: { value: string } }[])
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => ({ role: role.value, name: name?.value ?? '' }));
    const named = (role: string) => shown.filter((node) => node.role === role).map(({ name }) => name);
    assert.deepEqual(named('heading'), [
      'Sales report',
      'Days that need attention',
      'Warnings',
      'Weekly retention',
      'Sales by day',
      'Sales by city',
      'Sales by item',
      'Days loaded',
      'Rejected rows',
    ]);
    assert.equal(named('image').length, 8);
    for (const name of named('image')) assert.match(name, /^C.*The numbers are in the table below\.$/);
    assert.equal(named('table').length, 8);
    assert.ok(named('columnheader').length >= 8 * 4);
    assert.ok(named('rowheader').includes('<script>alert("1")</script> & \'Сыр\''));
    await browser.evaluate(
      `for (const details of document.querySelectorAll('details')) details.open = false`,
    );
  });

  for (const scheme of ['light', 'dark'] as const) {
    test(`every text, also of the charts, has a contrast of 7 : 1 on a ${scheme} ground`, async () => {
      await media(scheme);
      const [ground, faint] = (await browser.evaluate(`(() => {
        const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        const luminance = (colour) => {
          const [red, green, blue] = colour.match(/[\\d.]+/g).map((part) => channel(part / 255));
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const ground = luminance(getComputedStyle(document.body).backgroundColor);
        const onGround = (colour) => {
          const [dark, bright] = [ground, luminance(colour)].sort((a, b) => a - b);
          return (bright + 0.05) / (dark + 0.05);
        };
        return [ground, [...document.querySelectorAll('body *')]
          .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
          // The calendar's marks stand on the colour of their square.
          .filter((element) => !/^[✓–✗!?…]$/.test(element.textContent))
          .filter((element) => {
            const style = getComputedStyle(element);
            return onGround(element instanceof SVGElement ? style.fill : style.color) < 7;
          })
          .map((element) => element.textContent)];
      })()`)) as [number, string[]];
      assert.ok(scheme === 'light' ? ground === 1 : ground < 0.02, String(ground));
      assert.deepEqual(faint, []);
    });
  }

  test('axe finds nothing, in both languages, light and dark, on a phone and on a desk', async () => {
    for (const language of LANGUAGES) {
      await open(language);
      await browser.evaluate(axe.source);
      for (const [scheme, width] of [
        ['light', 390],
        ['light', 1280],
        ['dark', 390],
        ['dark', 1280],
      ] as const) {
        await media(scheme);
        await browser.size(width);
        await keep(`${language}-${scheme}-${width}.png`, await browser.screenshot({ wholePage: true }));
        const { violations, passes } = (await browser.evaluate(`(async () => {
          for (const details of document.querySelectorAll('details')) details.open = true;
          const { violations, passes } = await axe.run({ rules: { 'color-contrast-enhanced': { enabled: true } } });
          for (const details of document.querySelectorAll('details')) details.open = false;
          return {
            violations: violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join()),
            passes: passes.map(({ id }) => id),
          };
        })()`)) as { violations: string[]; passes: string[] };
        assert.deepEqual(violations, [], `${language}, ${scheme}, ${width}`);
        for (const rule of [
          'color-contrast',
          'color-contrast-enhanced',
          'html-has-lang',
          'region',
          'heading-order',
        ])
          assert.ok(passes.includes(rule), rule);
      }
    }
  });

  for (const language of LANGUAGES) {
    test(`a real shop's year runs out of no box, at three widths and in print, in ${language}`, async () => {
      await browser.open(pathToFileURL(file(`large-${language}.html`)).href);
      for (const [width, type] of [
        [420, 'screen'],
        [800, 'screen'],
        [1200, 'screen'],
        [680, 'print'],
      ] as const) {
        await media('light', type);
        await browser.size(width);
        await keep(`large-${language}-${type}-${width}.png`, await browser.screenshot({ wholePage: true }));
        const [page, boxes, outside] = (await browser.evaluate(`(() => {
          for (const details of document.querySelectorAll('details')) details.open = true;
          const boxes = [...document.querySelectorAll('.figures div, .figures strong, th, td, li')]
            .filter((box) => box.clientWidth > 0);
          const outside = boxes.filter((box) => box.scrollWidth > box.clientWidth + 1);
          return [document.documentElement.scrollWidth, boxes.length, outside.map((box) => box.textContent)];
        })()`)) as [number, number, string[]];
        assert.ok(page <= width, `${page} of ${width} pixels, ${type}`);
        assert.ok(boxes > 500, `${boxes} boxes`);
        assert.deepEqual(outside, [], `${width} pixels, ${type}`);
        await browser.evaluate(
          `for (const details of document.querySelectorAll('details')) details.open = false`,
        );
      }
      await media('light');
    });
  }

  test("of a real shop's year, equal warnings are one line with their days, and stray dates are named", async () => {
    await browser.open(pathToFileURL(file('large-en.html')).href);
    const [warnings, dates] = (await browser.evaluate(`(() => {
      const section = document.querySelector('[aria-labelledby=warnings]');
      const line = (one) => [...one.querySelectorAll(':scope > strong, :scope > span')].map((part) => part.textContent);
      return [[...section.querySelectorAll('li')].map(line), section.querySelector('p').textContent];
    })()`)) as [string[][], string];
    assert.deepEqual(
      warnings.map(([days = '', sentence = '']) => [/ \(days: \d+\)$/.exec(days)?.[0] ?? days, sentence]),
      LARGE_WARNINGS,
    );
    for (const date of ['1970-01-01', '1970-01-02', '2062-02-25'])
      assert.ok(dates.includes(`${date} (1)`), dates);
  });

  test('with the keyboard alone: every link and table is reached in order, is seen to be, and opens', async () => {
    await open('en');
    await browser.size(1280);
    const controls = Number(await browser.evaluate(`document.querySelectorAll('a, summary').length`));
    const reached: unknown[] = [];
    for (let step = 0; step < controls; step += 1) {
      await browser.press('Tab', 9);
      const [text, outline] = (await browser.evaluate(
        `[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]`,
      )) as string[];
      assert.equal(outline, 'solid', text);
      reached.push(text);
    }
    assert.deepEqual(
      reached,
      await browser.evaluate(`[...document.querySelectorAll('a, summary')].map((one) => one.textContent)`),
    );
    await browser.press('Enter', 13, '\r');
    assert.equal(await browser.evaluate(`document.activeElement.closest('details').open`), true);
    await browser.press('Tab', 9);
    assert.equal(
      await browser.evaluate(`document.activeElement.className`),
      'scroll',
      'a wide table can be scrolled with the keys',
    );
  });

  test('in print every table is open', async () => {
    await media('dark', 'print');
    await browser.size(680);
    const heights = (await browser.evaluate(
      `[...document.querySelectorAll('table')].map((table) => table.getBoundingClientRect().height)`,
    )) as number[];
    assert.equal(heights.length, 8);
    for (const height of heights) assert.ok(height > 40, String(height));
    const { data } = await browser.send('Page.printToPDF', {
      preferCSSPageSize: true,
      printBackground: false,
    });
    const pdf = Buffer.from(String(data), 'base64');
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    await keep('report.pdf', pdf);
  });
});

/** With REPORT_PICTURES, a folder, a person can look at what the tests have seen. */
async function keep(name: string, bytes: Buffer): Promise<void> {
  const folder = process.env.REPORT_PICTURES;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), bytes);
}
