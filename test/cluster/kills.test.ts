import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addDays, eachDay } from '../../domain/load-date.ts';
import { until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import { documentOf, secondsSince, World, type Shop } from './world.ts';

const FROM = '2024-03-01';
const TO = addDays(FROM, 9);
const DAYS = eachDay(FROM, TO);
/** Long enough for the calls of workers and client to fail more than once. */
const OUTAGE_MS = 10_000;
const RANGE = ['--from', FROM, '--to', TO, '--concurrency', '2'];

interface Backfill {
  loaded: string[];
  no_increment: string[];
  failed: unknown[];
}

let world: World;
before(async () => {
  world = await World.start('temporal_kills');
});
after(() => world.close());

/** What the mart holds after a backfill that nothing has disturbed. */
async function calmBackfill(): Promise<string> {
  const shop = await world.shop('calm');
  const worker = await shop.startWorker('one');
  assert.deepEqual((await shop.run<Backfill>('backfill', ...RANGE)).loaded, DAYS);
  assert.equal((await worker.end('SIGTERM')).code, 0);
  return await dump(shop.db.pool);
}

async function daysLoaded(shop: Shop, least: number): Promise<number> {
  let loaded = 0;
  await until(
    `${least} days are loaded`,
    async () => (loaded = (await shop.loadedDays()).length) >= least,
    60_000,
  );
  return loaded;
}

const reportsAsked = () => world.api.requests.filter(({ endpoint }) => endpoint === 'generate_report').length;

test('a backfill outlives the server and a worker, both killed', { timeout: 120_000 }, async (t) => {
  const began = performance.now();
  const since = () => secondsSince(began);
  const expected = await calmBackfill();
  t.diagnostic(`${since()}: ${DAYS.length} days loaded without a fault, by one worker`);

  const shop = await world.shop('killed');
  const [one, two] = await Promise.all([shop.startWorker('one'), shop.startWorker('two')]);
  const asked = reportsAsked();
  const backfill = shop.begin(['backfill', ...RANGE]);

  const atServer = await daysLoaded(shop, 2);
  await world.cluster.kill('SIGKILL');
  t.diagnostic(`${since()}: server killed, ${atServer} days loaded`);
  await sleep(OUTAGE_MS);
  await world.cluster.restart();
  t.diagnostic(`${since()}: server serves again`);

  const atWorker = await daysLoaded(shop, 5);
  await one.end('SIGKILL');
  const landedByOne = await one.landedDays();
  t.diagnostic(`${since()}: worker killed, ${atWorker} days loaded`);

  const document = documentOf(await backfill.ended) as Backfill;
  t.diagnostic(`${since()}: the client of the backfill has ended with 0`);
  assert.ok(atWorker < DAYS.length, 'the worker was killed too late');
  assert.deepEqual(document.loaded, DAYS);
  assert.deepEqual([document.no_increment, document.failed], [[], []]);
  assert.equal(reportsAsked() - asked, 1, 'reports asked for by the backfill');

  // All days exactly once: as if nothing had happened.
  assert.deepEqual(await shop.loadedDays(), DAYS);
  assert.equal(await dump(shop.db.pool), expected);
  assert.ok(landedByOne.length > 0, 'the killed worker had taken no day');
  assert.ok((await two.landedDays()).length > 0, 'the other worker had taken no day');
  await until('nothing stays open', async () => {
    const query = `TaskQueue = 'killed' and ExecutionStatus = 'Running'`;
    return (await world.client.workflow.count(query)).count === 0;
  });
  assert.equal(two.exit(), undefined, 'the worker that was not killed has lived through all of it');
});
