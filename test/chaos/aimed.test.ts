import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { sql } from '../../database/sql.ts';
import type { LandedFile } from '../../domain/day.ts';
import { lines } from '../database/support.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { start, type Running } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { Proxy, type Aim } from './proxy.ts';
import { DELIVERY, MART_STEPS, Steps, type MartStep } from './steps.ts';

/** Every aim at a statement of a load: before it, after it, silent before it and after it. */

/** The first line of a statement: its comment, which no other statement has. */
const statement = (name: string) => sql(name).split('\n')[0] ?? '';

const BEGIN = 'begin isolation level';
const LOCK = 'pg_advisory_xact_lock';
// With the end of the message, since "on commit drop" is no commit.
const COMMIT = 'commit\0';

interface Place extends Pick<Aim, 'text' | 'bytesLater'> {
  name: string;
  step: 'landFile' | 'stageFile' | MartStep;
  /** Rows of the day. */
  orders?: number;
}

const LAND_PLACES: Place[] = [
  { name: 'begin', text: BEGIN },
  { name: 'COPY', text: 'copy staging.incoming_user_order_log' },
  { name: 'the first rows of COPY', text: 'copy staging.incoming_user_order_log', bytesLater: 10_000 },
  {
    name: 'the middle of a COPY of several chunks',
    text: 'copy staging.incoming_user_order_log',
    bytesLater: 300_000,
    orders: 4_000,
  },
  { name: 'COPY of rejected rows', text: 'copy staging.incoming_rejected' },
  { name: 'the lock', text: LOCK },
  { name: 'the landed file', text: statement('staging/landed_file') },
  { name: 'commit', text: COMMIT },
].map((place) => ({ ...place, step: 'landFile' }));

const STAGE_PLACES: Place[] = [
  { name: 'begin', text: BEGIN },
  { name: 'the lock', text: LOCK },
  { name: 'what is known', text: statement('staging/known_delivery') },
  { name: 'the rows', text: statement('staging/merge') },
  { name: 'the former rejected rows', text: statement('staging/delete_rejected') },
  { name: 'the rejected rows', text: statement('staging/rejected_row') },
  { name: 'the audit row', text: statement('audit/file_load') },
  { name: 'what has landed', text: statement('staging/discard') },
  { name: 'commit', text: COMMIT },
].map((place) => ({ ...place, step: 'stageFile' }));

const ROWS_OF: Record<MartStep, string[]> = {
  updateDimensions: ['mart/names', 'mart/d_customer'],
  updateFSales: ['mart/f_sales'],
};

const FACT_PLACES: Place[] = [
  { name: 'the calendar', text: statement('mart/d_calendar') },
  { name: 'the outcome', text: statement('audit/day_loaded') },
].map((place) => ({ ...place, step: 'updateFSales' }));

const MART_PLACES: Place[] = MART_STEPS.flatMap((step) => [
  { step, name: 'begin', text: BEGIN },
  { step, name: 'the lock', text: LOCK },
  ...ROWS_OF[step].map((name) => ({ step, name, text: statement(name) })),
  ...(step === 'updateFSales' ? FACT_PLACES : []),
  { step, name: 'commit', text: COMMIT },
]);

const PLACES = [...LAND_PLACES, ...STAGE_PLACES, ...MART_PLACES];

const ORDERS = 300;

/** A day of which the second version changes, adds and takes away orders; some rows are bad. */
function ordersOf(version: number, count = ORDERS): string {
  const orders = Array.from({ length: count }, (_, index): Order => ({
    uniq_id: index % 5 === 0 ? `version ${version} ${index}` : `both ${index}`,
    customer_id: (index * version) % 97,
    first_name: `Анна ${version}`,
    city_id: index % 11,
    item_id: index % 13,
    quantity: index % 100 === 0 ? 'many' : version,
    payment_amount: index * version,
    status: index % 7 === 0 ? 'refunded' : 'shipped',
  }));
  return ordersCsv(orders);
}

/** A database with the first version of the day loaded, and a way to it that can be cut. */
class Bench {
  readonly db: TestDatabase;
  readonly proxy: Proxy;
  readonly #direct: Steps;
  readonly #proxied: Steps;
  #delivery = 0;

  private constructor(db: TestDatabase, proxy: Proxy, direct: Steps, proxied: Steps) {
    this.db = db;
    this.proxy = proxy;
    this.#direct = direct;
    this.#proxied = proxied;
  }

  static async create(): Promise<Bench> {
    const db = await createTestDatabase();
    const { hostname: host, port } = new URL(db.url);
    const proxy = await Proxy.start({ host, port: Number(port) });
    return new Bench(db, proxy, Steps.create(db.url), Steps.create(proxy.through(db.url)));
  }

  async load(version: number, orders?: number): Promise<void> {
    await this.#direct.load(await this.#landed(this.#direct, version, orders));
  }

  /** What the day holds when it is loaded without a fault: before and after. */
  async expected(orders?: number): Promise<{ first: string; second: string }> {
    // The other version before, so that both have met the customers of both.
    await this.load(2, orders);
    await this.load(1, orders);
    const first = await dump(this.db.pool);
    await this.load(2, orders);
    const second = await dump(this.db.pool);
    assert.notEqual(first, second);
    return { first, second };
  }

  /** Loads the second version; one step of it meets the fault, and is tried again as Temporal would. */
  async meet(place: Place, fault: Aim['fault']): Promise<{ between: string }> {
    const steps = this.#proxied;
    const land = () => this.#landed(steps, 2, place.orders);
    let file = place.step === 'landFile' ? undefined : await land();
    const before =
      place.step === 'updateDimensions'
        ? []
        : MART_STEPS.slice(0, MART_STEPS.indexOf(place.step as MartStep));
    if (file && place.step !== 'stageFile') await steps.stage(file);
    if (MART_STEPS.includes(place.step as MartStep)) for (const step of before) await steps.update(step);
    const run = async () => {
      if (place.step === 'landFile') file = await land();
      else if (place.step === 'stageFile') await steps.stage(file as LandedFile);
      else await steps.update(place.step);
    };

    const hit = this.proxy.aim({ ...place, fault });
    await assert.rejects(run(), (error: unknown) => {
      assert.ok(error instanceof ApplicationFailure, String(error));
      assert.equal(error.type, 'DatabaseUnavailable', error.message);
      assert.equal(error.nonRetryable, false);
      return true;
    });
    await hit;
    const between = await dump(this.db.pool);
    await run();
    if (file && place.step === 'landFile') await steps.stage(file);
    for (const step of MART_STEPS.slice(MART_STEPS.indexOf(place.step as MartStep) + 1))
      await steps.update(step);
    return { between };
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await Promise.all([this.#direct.close(), this.#proxied.close()]);
    await this.db.drop();
  }

  /** Each try has a number of its own. */
  async #landed(steps: Steps, version: number, orders?: number): Promise<LandedFile> {
    return await steps.land(ordersOf(version, orders), (this.#delivery += 1));
  }
}

let bench: Bench;

before(async () => {
  bench = await Bench.create();
});

after(async () => {
  await bench.close();
});

const LANDED = `select (select count(*) from staging.landed_file),
  (select count(*) from staging.incoming_user_order_log), (select count(*) from staging.incoming_rejected)`;
const STAGING = ['user_order_log', 'rejected_row', 'file_load'];

describe('a connection that is cut', () => {
  for (const fault of ['cut before', 'cut after'] as const) {
    for (const place of PLACES) {
      test(`${fault} ${place.name} of ${place.step}`, async () => {
        const { first, second } = await expectedOf(place.orders);
        await bench.load(1, place.orders);
        const { between } = await bench.meet(place, fault);
        // Readers see the old or the new, never a half.
        if (place.step === 'landFile' || place.step === 'stageFile') {
          const isIn = place.step === 'stageFile' && place.text === COMMIT && fault === 'cut after';
          assert.equal(between, isIn ? mixed(second, first) : first);
        }
        assert.equal(await dump(bench.db.pool), second);
        assert.deepEqual(await lines(bench.db.pool, LANDED), ['0 | 0 | 0'], 'no landed row is left');
      });
    }
  }

  const known = new Map<number | undefined, { first: string; second: string }>();

  async function expectedOf(orders: number | undefined) {
    const expected = known.get(orders) ?? (await bench.expected(orders));
    known.set(orders, expected);
    return expected;
  }

  /** Staging of one dump, everything else of another. */
  function mixed(staging: string, rest: string): string {
    const partsOf = (text: string) => text.split(/^(?=== )/m);
    const others = partsOf(rest);
    const isStaging = (part: string) => STAGING.some((table) => part.startsWith(`== ${table}\n`));
    return partsOf(staging)
      .map((part, index) => (isStaging(part) ? part : (others[index] ?? '')))
      .join('');
  }
});

test('an acknowledged commit holds over a crash of the server, whatever the server thinks of it', async () => {
  // The default of the server of the tests is `off`: it acknowledges first and writes later.
  const [row] = await bench.db.database.transaction(
    async (session) => (await session.query<{ synchronous_commit: string }>('show synchronous_commit')).rows,
  );
  assert.equal(row?.synchronous_commit, 'on');
});

test('a transaction in which a statement has failed never counts as committed', async () => {
  const swallowing = bench.db.database.transaction(async (session) => {
    await session.query('select 1 / 0').catch(() => undefined);
  });
  await assert.rejects(swallowing, { type: 'DatabaseUnavailable' });
});

test('a connection that goes silent anywhere is noticed, and the step goes on', async () => {
  // Side by side, each on a database of its own: each waits for some seconds.
  await Promise.all(
    PLACES.map(async (place) => {
      const own = await Bench.create();
      try {
        const { second } = await own.expected(place.orders);
        for (const fault of ['freeze before', 'freeze after'] as const) {
          await own.load(1, place.orders);
          await own.meet(place, fault);
          assert.equal(await dump(own.db.pool), second, `${fault} ${place.name} of ${place.step}`);
        }
      } finally {
        await own.close();
      }
    }),
  );
});

test('a worker is killed between a commit and the completion of its activity', async () => {
  const stack = await TestStack.start({ worker: false });
  const { hostname: host, port } = new URL(stack.db.url);
  const proxy = await Proxy.start({ host, port: Number(port) });
  const directories = await Promise.all(
    ['one-', 'two-'].map((name) => mkdtemp(path.join(tmpdir(), `chaos-landing-${name}`))),
  );
  const startOne = async (landingDir: string) => {
    const settings = { LANDING_DIR: landingDir, DATABASE_URL: proxy.through(stack.db.url) };
    const worker = start(['worker.ts'], { ...stack.environment, ...settings });
    workers.set(landingDir, worker);
    await worker.says('worker started', 60_000);
  };
  const workers = new Map<string, Running>();
  try {
    stack.deliveries.set(DELIVERY.loadDate, ordersOf(2), { customer_research_inc: undefined });
    const kills = ['staging/landed_file', 'staging/merge', 'mart/d_customer', 'mart/f_sales'].map(statement);
    let aimed = proxy.aim({ after: kills[0] ?? '', text: COMMIT, fault: 'freeze after' });
    const handle = await stack.startDay(DELIVERY.loadDate, { optionalFiles: ['customer_research_inc'] });
    await Promise.all(directories.map(startOne));
    for (const [index] of kills.entries()) {
      await aimed;
      // Whose commit it is does not matter: both are killed, the restart is that of a supervisor.
      for (const worker of workers.values()) worker.kill('SIGKILL');
      proxy.cut();
      const next = kills[index + 1];
      if (next !== undefined) aimed = proxy.aim({ after: next, text: COMMIT, fault: 'freeze after' });
      await Promise.all(directories.map(startOne));
    }
    const { outcome, files } = await handle.result();
    assert.equal(outcome, 'loaded');
    const orders = files.user_order_log_inc;
    assert.equal(orders?.rows_read, ORDERS);
    assert.equal(orders.rows_kept + orders.rows_duplicate + orders.rows_rejected, ORDERS);
    const tables = ['user_order_log', 'rejected_row', 'd_calendar', 'd_city', 'd_item', 'f_sales'];
    await bench.load(2);
    assert.equal(await dump(stack.db.pool, tables), await dump(bench.db.pool, tables));
  } finally {
    for (const worker of workers.values()) worker.kill('SIGKILL');
    await Promise.all([...workers.values()].map((worker) => worker.ended));
    await proxy.close();
    for (const directory of directories) await rm(directory, { recursive: true, force: true });
    await stack.close();
  }
});
