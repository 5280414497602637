import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, html } from '../../client/report/html.ts';
import { localeOf } from '../../client/report/locale.ts';
import { LANGUAGES, TEXTS, type Forms, type Language } from '../../client/report/texts.ts';

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
  assert.throws(() => en.money('NaN'), /Expected a decimal number, but got "NaN"/);
});

test('counts, shares, changes and the values of axes', () => {
  assert.deepEqual([en.count(1234567), plain(ru.count(1234567))], ['1,234,567', '1_234_567']);
  assert.deepEqual([en.share(0.7449), plain(ru.share(0.7449))], ['74.5%', '74,5_%']);
  assert.deepEqual([0.032, -1, 0].map(en.change), ['+3.2%', '−100.0%', '0.0%']);
  assert.equal(plain(ru.change(-0.412)), '−41,2_%');
  assert.deepEqual([0, -2_500_000, 900, 12_000].map(en.tick), ['0', '−2.5M', '900', '12K']);
  assert.equal(plain(ru.tick(12_000)), '12_тыс.');
});

test('a count chooses the form of its text', () => {
  const cities = ({ text }: typeof en) => [1, 2, 5, 1000].map((n) => plain(text('otherCities', { n })));
  assert.deepEqual(cities(en), [
    'Others (1 city)',
    'Others (2 cities)',
    'Others (5 cities)',
    'Others (1,000 cities)',
  ]);
  assert.deepEqual(cities(ru), [
    'Прочие (1 город)',
    'Прочие (2 города)',
    'Прочие (5 городов)',
    'Прочие (1_000 городов)',
  ]);
});

test('every text stands in every language, with the same values and all plural forms', () => {
  const letters: Record<Language, RegExp> = { en: /^[^а-яё]*[a-z][^а-яё]*$/i, ru: /[а-яё]/i };
  for (const [key, entry] of Object.entries<Record<Language, string | Forms>>(TEXTS)) {
    const values = LANGUAGES.map((language) => {
      const text = entry[language];
      if (typeof text !== 'string') {
        const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
        assert.deepEqual(Object.keys(text).sort(), [...pluralCategories].sort(), `${key} in ${language}`);
      }
      const forms = typeof text === 'string' ? [text] : Object.values(text);
      for (const form of forms) assert.match(form, letters[language], `${key} in ${language}`);
      return [...new Set(forms.map((form) => (form.match(/\{\w+\}/g) ?? []).sort().join()))];
    });
    assert.equal(values[0]?.length, 1, key);
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
