import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, html } from '../../client/report/html.ts';
import { count, money, tick } from '../../client/report/numbers.ts';

const plain = (text: string) => text.replaceAll('\u00a0', '_').replaceAll('\u2212', '-');

test('money is written from its decimal text, to the cent, whatever its size', () => {
  assert.equal(plain(money('0.00')), '0.00');
  assert.equal(plain(money('-0.00')), '0.00');
  assert.equal(plain(money('-0.01')), '-0.01');
  assert.equal(plain(money('999.90')), '999.90');
  assert.equal(plain(money('-1234567.5')), '-1_234_567.50');
  assert.equal(plain(money('9007199254740993.01')), '9_007_199_254_740_993.01');
  assert.throws(() => money('NaN'), /Expected a decimal number, but got "NaN"/);
});

test('counts and the values of axes', () => {
  assert.equal(plain(count(1234567)), '1_234_567');
  assert.equal(plain(tick(0)), '0');
  assert.equal(plain(tick(-2_500_000)), '-2.5_M');
  assert.equal(plain(tick(900)), '900');
  assert.equal(plain(tick(12_000)), '12_k');
});

test('what is put into HTML is text, in one line, without control characters', () => {
  assert.equal(
    escapeHtml(`<a href="x" title='y'>&</a>`),
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
  );
  assert.equal(escapeHtml('a\u0001\u001b[31m\r\nb\u2028c'), 'a [31m b c');
  assert.equal(html`<p>${['<', html`<b>${'>'}</b>`]}${1}</p>`.text, '<p>&lt;<b>&gt;</b>1</p>');
});
