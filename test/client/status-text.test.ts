import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DayState, DayStatus } from '../../schemas/documents.ts';
import { statusDocument, statusText } from '../../client/status-text.ts';
import { addDays } from '../../domain/load-date.ts';

function days(from: string, states: DayState[]): DayStatus[] {
  return states.map((state, index) => ({
    date: addDays(from, index),
    state,
    error: state === 'failed' ? 'the file is empty.' : null,
    error_type: null,
    next: null,
    rows_read: 10,
    rows_kept: 5,
    rows_duplicate: 4,
    rows_rejected: state === 'loaded' ? 1 : 0,
    revenue: '12.50',
    warnings: [],
    accepted_missing: [],
    missing_files: [],
    workflow_id: null,
    run_id: null,
    finished_at: null,
  }));
}

test('gaps put neighbouring days of one state together', () => {
  const month = days('2024-02-27', [
    'loaded',
    'missing',
    'missing',
    'failed',
    'no_increment',
    'missing',
    'running',
    'stale',
  ]);
  assert.deepEqual(statusDocument(month).gaps, [
    { from: '2024-02-28', to: '2024-02-29', state: 'missing', days: 2 },
    { from: '2024-03-01', to: '2024-03-01', state: 'failed', days: 1 },
    { from: '2024-03-03', to: '2024-03-03', state: 'missing', days: 1 },
    { from: '2024-03-05', to: '2024-03-05', state: 'stale', days: 1 },
  ]);
  assert.deepEqual(statusDocument(days('2024-02-27', ['loaded', 'no_increment'])).gaps, []);
});

test('totals and gaps stand first, in the table and in the calendar', () => {
  const month = days('2024-02-27', ['loaded', 'missing', 'missing', 'failed']);
  const first =
    '4 days: 1 loaded, 2 missing, 1 failed. Gaps: 2024-02-28 to 2024-02-29 missing; 2024-03-01 failed.';
  assert.equal(statusText(statusDocument(month)).split('\n')[0], first);
  const [head, , february, march] = statusText(statusDocument(month), true).split('\n');
  assert.equal(head, first);
  assert.equal(february, `2024-02  ${' '.repeat(26)}█??`);
  assert.equal(march, '2024-03  X');
  assert.match(statusText(statusDocument(month)), /2024-03-01 failed: the file is empty\./);
  assert.match(statusText(statusDocument(month)), /2024-02-27 rejected 1 row:/);
});

test('a long gap is one line of the table', () => {
  const range = days('2024-01-01', ['loaded', ...Array<DayState>(400).fill('missing'), 'loaded']);
  const table = statusText(statusDocument(range));
  assert.match(table, /2024-01-02 … +│ missing .* 400 days to 2025-02-04/);
  assert.ok(table.split('\n').length < 12);
});
