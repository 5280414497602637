import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { dayStatuses } from '../../client/day-status.ts';
import { fileNames, ORDERS } from '../../domain/feeds.ts';
import { addDays } from '../../domain/load-date.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { recordLoaded } from '../../pipeline/load/outcome.ts';
import { createTestDatabase } from '../support/database.ts';
import { Loader } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());

/** Loads that many orders; returns the warnings of the run. */
async function load(date: string, count: number, volumeAlertShare = 0.5): Promise<string[]> {
  const loader = new Loader(db.database);
  const orders = Array.from({ length: count }, (_, index) => ({ uniq_id: `${date}-${index}` }));
  const number = await nextDeliveryNumber(db.database);
  await loader.stage(date, orders, { deliveryNumber: number });
  await loader.updateMart(date);
  const files = [`${ORDERS}_inc`];
  const request = {
    files,
    acceptedMissing: fileNames('increment').filter((file) => !files.includes(file)),
    volumeAlertShare,
    number,
    startedAt: new Date().toISOString(),
  };
  const { volumeWarnings } = await db.database.transaction((session) =>
    recordLoaded(session, { loadDate: date, source: 'increment' }, request, { workflowId: 'w', runId: 'r' }),
  );
  return volumeWarnings;
}

describe('a day with far fewer rows than usual (contract, ruling 33)', () => {
  test('is not noticed before 4 days are known', async () => {
    for (let day = 0; day < 3; day += 1) await load(addDays('2024-06-01', day), 10);
    assert.deepEqual(await load('2024-06-04', 1), []);
  });

  test('is loaded with a warning that is recorded', async () => {
    const warnings = await load('2024-06-05', 4);
    assert.deepEqual(warnings, [
      'user_order_log_inc kept 4 rows; the median of its last loaded days is 10 (VOLUME_ALERT_SHARE)',
    ]);
    const [day] = await dayStatuses(db.database, undefined, '2024-06-05', '2024-06-05');
    assert.ok(day?.warnings.includes(warnings[0] ?? ''), String(day?.warnings));
  });

  test('exactly the share is enough, and 0 turns it off', async () => {
    assert.deepEqual(await load('2024-06-06', 5), []);
    assert.deepEqual(await load('2024-06-07', 1, 0), []);
  });
});
