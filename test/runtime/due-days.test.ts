import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestDueDay } from '../../domain/due-days.ts';

const BERLIN = { hour: 2, minute: 30, timeZone: 'Europe/Berlin', offsetDays: 1 };

test('the newest due day does not step back in the hour that autumn repeats', () => {
  const days = ['00:29', '00:30', '00:59', '01:00', '01:29', '01:30', '02:00'].map((time) =>
    newestDueDay(BERLIN, new Date(`2024-10-27T${time}:00Z`)),
  );
  assert.deepEqual(days, ['2024-10-25', ...Array.from({ length: 6 }, () => '2024-10-26')]);
});

test('a day is due from its time on, also where clocks skip it', () => {
  const at = (instant: string) => newestDueDay(BERLIN, new Date(instant));
  assert.equal(at('2024-06-10T00:29:59Z'), '2024-06-08');
  assert.equal(at('2024-06-10T00:30:00Z'), '2024-06-09');
  assert.equal(at('2024-03-31T00:59:00Z'), '2024-03-29');
  assert.equal(at('2024-03-31T01:30:00Z'), '2024-03-30');
});
