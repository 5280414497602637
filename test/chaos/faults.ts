import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Random } from '../../dev/sample-api/random.ts';
import type { FaultAction, FaultTarget } from '../../dev/sample-api/faults.ts';
import { martLock } from '../../database/locks.ts';
import { FEEDS } from '../../domain/feeds.ts';
import type { AimedFault, Proxy } from './proxy.ts';
import type { Supervised, World } from './world.ts';

/** Makes one fault and what ends it; resolves when the next may come. */
type Inject = (world: World, random: Random) => unknown;

const one = <T>(from: readonly T[], random: Random): T => {
  const chosen = from[random.below(from.length)];
  if (chosen === undefined) throw new Error('there is nothing to choose from');
  return chosen;
};
/** One that is up, where one is. */
const anyWorker = (world: World, random: Random): Supervised => {
  const up = world.workers.filter((worker) => worker.process);
  return one(up.length > 0 ? up : world.workers, random);
};
const aWhile = (random: Random, mostMs: number) => sleep(100 + random.below(mostMs));

/** Later, beside the next faults; what a test's end interrupts is no error. */
function later(ms: number, work: () => void): void {
  setTimeout(work, ms).unref();
}

const MAX_AIM_MS = 1_000;
/** About as many messages as a step of a day sends. */
const MAX_MESSAGES = 40;

/** Waits until an aim is met, but not for long: so many messages may not come. */
async function aimed({ proxy }: Supervised, aim: Parameters<Proxy['aim']>[0]): Promise<void> {
  await Promise.race([proxy.aim(aim), sleep(MAX_AIM_MS)]);
  proxy.disarm();
}

/** A fault at any message of a worker to its database. */
const atAMessage =
  (fault: AimedFault): Inject =>
  (world, random) =>
    aimed(anyWorker(world, random), { text: '', skip: random.below(MAX_MESSAGES), fault });

const ANYWHERE: readonly FaultAction[] = [
  { do: 'status', status: 503 },
  { do: 'status', status: 500 },
  { do: 'status', status: 429, headers: { 'Retry-After': '1' } },
  { do: 'reset' },
  { do: 'reset', afterBytes: 20 },
  { do: 'truncate', afterBytes: 30 },
  { do: 'delay', ms: 2_000 },
  { do: 'hang' },
];
const IN_JSON: readonly FaultAction[] = [
  ...ANYWHERE,
  { do: 'status', status: 200, body: '{"status": ' },
  { do: 'status', status: 200, body: '[1]' },
];
const API_FAULTS: Readonly<Record<FaultTarget, readonly FaultAction[]>> = {
  generate_report: IN_JSON,
  get_report: IN_JSON,
  get_increment: [...IN_JSON, { do: 'empty-urls' }, { do: 'null-data' }],
  storage: [...ANYWHERE, { do: 'status', status: 404 }, { do: 'trickle', bytesPerSecond: 100 }],
};

/** SQLSTATEs that heal, thrown by a trigger inside the worker's own transactions. */
const STATES = ['40001', '40P01', '53100', '53200', '55P03', '57P01', '08006', 'XX000'];

const TRIGGERS = `
  create schema chaos;
  create sequence chaos.calls;
  create table chaos.armed (state text not null, up_to bigint not null);
  insert into chaos.armed values ('40001', 0);
  create function chaos.fail() returns trigger language plpgsql security definer as $$
  declare armed chaos.armed;
  begin
    select * into armed from chaos.armed;
    if nextval('chaos.calls') <= armed.up_to then
      raise exception 'a fault of the test' using errcode = armed.state;
    end if;
    return null;
  end $$;
`;
const TRIGGERED = [
  ...['staging.user_order_log', 'staging.price_log', 'staging.rejected_row', 'staging.file_load'],
  ...['staging.day_load', 'staging.day_claim', 'mart.d_customer', 'mart.f_sales', 'mart.d_calendar'],
];

/** Lays ready what faults inside the database need; nothing of it is dumped. */
export async function prepareFaults(world: World): Promise<void> {
  const triggers = TRIGGERED.map(
    (table) =>
      `create trigger chaos after insert or update or delete on ${table} for each statement execute function chaos.fail()`,
  );
  await world.asAdmin((admin) => admin.query([TRIGGERS, ...triggers].join(';')));
}

/** The sessions of workers. */
const SESSIONS = `from pg_stat_activity where datname = current_database() and usename = 'chaos'`;

/** In a transaction that is rolled back; a worker that is stopped may hold a lock for longer than this waits. */
async function locking(world: World, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  await world.asAdmin(async (admin) => {
    await admin.query(`begin; set local lock_timeout = '3s'`);
    await work(admin).catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError) || !['55P03', '40P01'].includes(error.code ?? '')) throw error;
    });
    await admin.query('rollback');
  });
}

export const FAULTS: Readonly<Record<string, Inject>> = {
  'worker killed': (world, random) => anyWorker(world, random).kill(),
  'both workers killed': (world) => Promise.all(world.workers.map((worker) => worker.kill())),
  'worker stopped for longer than its heartbeat': async (world, random) => {
    const worker = await anyWorker(world, random).untilUp();
    worker.kill('SIGSTOP');
    later(6_000 + random.below(4_000), () => worker.kill('SIGCONT'));
  },
  'Temporal server killed': (world) => world.killTemporal(),
  'PostgreSQL killed': (world) => world.killPostgres(),
  'connections cut': (world, random) => anyWorker(world, random).proxy.cut(),
  'connections frozen': (world, random) => anyWorker(world, random).proxy.freeze(),
  'connections refused': async (world, random) => {
    const { proxy } = anyWorker(world, random);
    proxy.accepting = false;
    proxy.cut();
    await aWhile(random, 1_500);
    proxy.accepting = true;
  },
  'database silent': async (world, random) => {
    const { proxy } = anyWorker(world, random);
    proxy.silent = true;
    proxy.freeze();
    await aWhile(random, 1_500);
    proxy.silent = false;
  },
  'cut before a message': atAMessage('cut before'),
  'cut after a message': atAMessage('cut after'),
  'frozen before a message': atAMessage('freeze before'),
  'frozen after a message': atAMessage('freeze after'),
  'killed between commit and completion': async (world, random) => {
    const worker = anyWorker(world, random);
    await aimed(worker, { text: 'commit\0', fault: 'freeze after' });
    await worker.kill();
    worker.proxy.cut();
  },
  'report API or storage': (world, random) => {
    for (let count = random.below(3); count >= 0; count -= 1) {
      const on = one(Object.keys(API_FAULTS) as FaultTarget[], random);
      world.api.addFault({ on, ...one(API_FAULTS[on], random) });
    }
    // Those that nobody has met by then would pile up.
    later(3_000, () => world.api.clearFaults());
  },
  'read-only database': async (world, random) => {
    const setting = `alter database chaos set default_transaction_read_only`;
    await world.asAdmin(async (admin) => {
      await admin.query(`${setting} = on`);
      await admin.query(`select pg_terminate_backend(pid) ${SESSIONS}`);
    });
    await aWhile(random, 1_000);
    await world.asAdmin((admin) => admin.query(`set transaction read write; ${setting} = off`));
  },
  'sessions terminated': (world) =>
    world.asAdmin((admin) => admin.query(`select pg_terminate_backend(pid) ${SESSIONS}`)),
  'statements cancelled': (world) =>
    world.asAdmin((admin) => admin.query(`select pg_cancel_backend(pid) ${SESSIONS} and state = 'active'`)),
  'error inside a transaction': (world, random) =>
    world.asAdmin((admin) =>
      admin.query(`update chaos.armed set state = $1, up_to = (select last_value from chaos.calls) + $2`, [
        one(STATES, random),
        1 + random.below(4),
      ]),
    ),
  'table locked': (world, random) =>
    locking(world, async (admin) => {
      await admin.query(
        `lock table ${one([...TRIGGERED, 'mart.d_city', 'mart.d_item'], random)} in access exclusive mode`,
      );
      await aWhile(random, 1_500);
    }),
  deadlock: (world, random) =>
    locking(world, async (admin) => {
      // The worker notices first, since its deadlock_timeout is the server's 200 ms, and loses.
      await admin.query(`set local deadlock_timeout = '10s'`);
      const table = one(['mart.d_city', 'mart.d_item', 'mart.d_customer', 'mart.f_sales'], random);
      await admin.query(`lock table ${table} in exclusive mode`);
      await aWhile(random, 500);
      await admin.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        martLock(table.slice('mart.'.length)),
      ]);
    }),
  // As when the database is restored to a moment before: runs that come to stage them land them again.
  'landed rows lost': (world) =>
    world.asAdmin((admin) => {
      const rows = [...FEEDS.map(({ name }) => `incoming_${name}`), 'incoming_rejected'];
      const statements = ['landed_file', ...rows].map((table) => `delete from staging.${table}`);
      return admin.query(`begin; ${statements.join('; ')}; commit`);
    }),
  'landing directory unusable': async (world, random) => {
    const { landingDir } = anyWorker(world, random);
    const away = `${landingDir}-away`;
    await rename(landingDir, away);
    // The worker may be quicker and make the directory anew; then that one goes away again.
    await writeFile(landingDir, 'not a directory').catch(() => undefined);
    await aWhile(random, 1_500);
    for (let isBack = false; !isBack;) {
      await rm(landingDir, { recursive: true, force: true }).catch(() => undefined);
      isBack = await rename(away, landingDir).then(
        () => true,
        () => false,
      );
    }
  },
  'landed files lost': async (world, random) => {
    const { landingDir } = anyWorker(world, random);
    const days = (await readdir(landingDir)).filter((name) => !name.startsWith('.'));
    // A worker that writes there at the same time makes the removal fail; some of it is gone all the same.
    for (const day of days) {
      await rm(path.join(landingDir, day), { recursive: true, force: true }).catch(() => undefined);
    }
    await mkdir(landingDir, { recursive: true });
  },
};
