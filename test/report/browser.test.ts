import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { LANGUAGES, type Language } from '../../client/report/texts.ts';
import { Browser, findBrowser } from '../support/browser.ts';
import { client } from '../support/client.ts';
import { createTestDatabase } from '../support/database.ts';
import { fillMart, HOSTILE_ITEM } from './sample-mart.ts';

const executable = findBrowser();
const skip = executable === undefined && 'no Chromium: apt-get install chromium, or set CHROMIUM';

describe('the report in Chromium', { skip }, () => {
  let directory: string;
  let browser: Browser;
  /** What was begun, also when the rest failed. */
  const stops: (() => Promise<unknown>)[] = [];
  const urlOf = (language: Language) => pathToFileURL(path.join(directory, `${language}.html`)).href;
  const open = async (language: Language) => {
    await browser.open(urlOf(language));
  };
  const media = (scheme: 'light' | 'dark', type = 'screen') =>
    browser.send('Emulation.setEmulatedMedia', {
      media: type,
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
  const openTables = (isOpen = true) =>
    browser.evaluate(`for (const details of document.querySelectorAll('details')) details.open = ${isOpen}`);

  before(async () => {
    assert.ok(executable);
    directory = await mkdtemp(path.join(tmpdir(), 'report-'));
    stops.push(() => rm(directory, { recursive: true, force: true }));
    const db = await createTestDatabase();
    stops.push(() => db.drop());
    await fillMart(db);
    for (const language of LANGUAGES) {
      const out = ['--out', path.join(directory, `${language}.html`), '--language', language];
      const ended = await client(['report', ...out], { DATABASE_URL: db.url });
      assert.equal(ended.code, 0, ended.stderr);
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
      [urlOf('en')],
    );
    const said = ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'];
    assert.deepEqual(
      browser.events.filter(({ method }) => said.includes(method)),
      [],
    );
  });

  for (const language of LANGUAGES)
    for (const [width, type] of [
      [320, 'screen'],
      [800, 'screen'],
      [1280, 'screen'],
      [680, 'print'],
    ] as const)
      test(`fits ${width} pixels of ${type} in ${language}, with letters that can be read`, async () => {
        await open(language);
        await media('light', type);
        await browser.size(width);
        // On paper they are open.
        if (type === 'screen') await openTables();
        const seen = await browser.evaluate(`(() => {
          const charts = [...document.querySelectorAll('[role=img]')].map((chart) => ({
            outer: chart.getBoundingClientRect(),
            texts: [...chart.querySelectorAll('b, span, bdi')]
              .map((text) => ({ text: text.textContent, inner: text.getBoundingClientRect() }))
              .filter(({ inner }) => inner.width > 0),
          }));
          const overEdge = ({ inner }, outer) => inner.left < outer.left || inner.right > outer.right
            || inner.top < outer.top || inner.bottom > outer.bottom;
          const overOther = ({ inner: one }, { inner: other }) => one.left < other.right - 1 && other.left < one.right - 1
            && one.top < other.bottom - 1 && other.top < one.bottom - 1;
          const letters = [...document.querySelectorAll('[role=img] *')]
            .map((part) => parseFloat(getComputedStyle(part).fontSize));
          const boxes = [...document.querySelectorAll('.figures div, .figures strong, th, td, li')];
          return {
            charts: charts.length,
            texts: charts.flatMap(({ texts }) => texts).length > 100,
            tables: [...document.querySelectorAll('table')].filter((table) => table.clientHeight > 40).length,
            // Paper is held closer.
            letters: Math.min(...letters) >= ${type === 'print' ? 8 : 12},
            wrong: charts.flatMap(({ outer, texts }) => texts.filter((text, index) => overEdge(text, outer)
              || texts.slice(index + 1).some((other) => overOther(text, other)))).map(({ text }) => text),
            boxes: boxes.length > 500,
            overBox: boxes.filter((box) => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0)
              .map((box) => box.textContent),
            page: document.documentElement.scrollWidth <= ${width},
          };
        })()`);
        assert.deepEqual(seen, {
          charts: 8,
          texts: true,
          tables: 8,
          letters: true,
          wrong: [],
          boxes: true,
          overBox: [],
          page: true,
        });
      });

  test('a screen reader finds headings, named pictures and tables with headers', async () => {
    await open('en');
    await media('light');
    await openTables();
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
    assert.ok(named('rowheader').includes(HOSTILE_ITEM));
    await openTables(false);
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

  for (const [language, scheme, width] of [
    ['en', 'light', 390],
    ['en', 'dark', 1280],
    ['ru', 'light', 1280],
    ['ru', 'dark', 390],
  ] as const)
    test(`axe finds nothing: in ${language}, ${scheme}, ${width} pixels`, async () => {
      await open(language);
      await media(scheme);
      await browser.size(width);
      await openTables();
      await browser.evaluate(axe.source);
      const { violations, passes } = (await browser.evaluate(`(async () => {
        const { violations, passes } = await axe.run({ rules: { 'color-contrast-enhanced': { enabled: true } } });
        return {
          violations: violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join()),
          passes: passes.map(({ id }) => id),
        };
      })()`)) as { violations: string[]; passes: string[] };
      assert.deepEqual(violations, []);
      for (const rule of ['color-contrast-enhanced', 'html-has-lang', 'region', 'heading-order'])
        assert.ok(passes.includes(rule), rule);
    });

  test('with the keyboard alone: every link and table is reached in order, is seen to be, and opens', async () => {
    await open('en');
    await browser.size(1280);
    const controls = (await browser.evaluate(
      `[...document.querySelectorAll('a, summary')].map((one) => one.textContent)`,
    )) as string[];
    for (const control of controls) {
      await browser.press('Tab', 9);
      const reached = await browser.evaluate(
        `[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]`,
      );
      assert.deepEqual(reached, [control, 'solid']);
    }
    await browser.press('Enter', 13, '\r');
    assert.equal(await browser.evaluate(`document.activeElement.closest('details').open`), true);
    await browser.press('Tab', 9);
    assert.equal(
      await browser.evaluate(`document.activeElement.className`),
      'scroll',
      'a wide table can be scrolled with the keys',
    );
  });
});
