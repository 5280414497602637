import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, html } from '../../client/report/html.ts';
import { localeOf } from '../../client/report/locale.ts';
import { LANGUAGES, TEXTS, type Language } from '../../client/report/texts.ts';

const en = localeOf('en');
const ru = localeOf('ru');
const plain = (text: string) => text.replaceAll('\u00a0', '_');

test('money is written from its decimal text, to the cent, whatever its size, with a true minus sign', () => {
  assert.equal(en.money('0.00'), '0.00');
  assert.equal(en.money('-0.00'), '0.00');
  assert.equal(en.money('-0.01'), '−0.01');
  assert.equal(en.money('-1234567.5'), '−1,234,567.50');
  assert.equal(en.money('9007199254740993.01'), '9,007,199,254,740,993.01');
  assert.equal(plain(ru.money('-9007199254740993.01')), '−9_007_199_254_740_993,01');
});

test('counts, shares, changes and the values of axes', () => {
  assert.deepEqual([en.count(1234567), plain(ru.count(1234567))], ['1,234,567', '1_234_567']);
  assert.deepEqual([en.share(0.7449), plain(ru.share(0.7449))], ['74.5%', '74,5_%']);
  assert.deepEqual([0.032, -1, 0].map(en.change), ['+3.2%', '−100.0%', '0.0%']);
  assert.equal(plain(ru.change(-0.412)), '−41,2_%');
  assert.deepEqual([0, -2_500_000, 900, 12_000].map(en.tick), ['0', '−2.5M', '900', '12K']);
  assert.equal(plain(ru.tick(12_000)), '12_тыс.');
});

test('every text stands in every language, with the same values', () => {
  const letters: Record<Language, RegExp> = { en: /^[^а-яё]*[a-z][^а-яё]*$/i, ru: /[а-яё]/i };
  for (const [key, entry] of Object.entries<Record<Language, string>>(TEXTS)) {
    const values = LANGUAGES.map((language) => {
      assert.match(entry[language], letters[language], `${key} in ${language}`);
      return [...new Set(entry[language].match(/\{\w+\}/g))].sort();
    });
    assert.deepEqual(values[0], values[1], key);
  }
});

test('what is put into HTML is text, in one line, without control characters', () => {
  assert.equal(
    escapeHtml(`<a href="x" title='y'>&</a>`),
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
  );
  assert.equal(escapeHtml('a\u0001\u001b[31m\r\nb\u2028c'), 'a [31m b c');
  assert.equal(html`<p>${['<', html`<b>${'>'}</b>`]}${1}</p>`.text, '<p>&lt;<b>&gt;</b>1</p>');
});
