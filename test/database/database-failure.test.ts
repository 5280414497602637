import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { databaseFailure } from '../../database/database-failure.ts';
import { createTestDatabase } from '../support/database.ts';

const TYPES: Record<string, string[]> = {
  // Heal by trying again.
  DatabaseUnavailable: [
    ...['08006', '08P01', '40001', '40P01', '53300', '53100', '55P03', '57P01', '57P03', '57014', '58030'],
    ...['25006', '25P03', '25P04', 'XX000', 'ECONNREFUSED', 'ECONNRESET'],
  ],
  // Heal by `migrate`, which may come a little later.
  SchemaMissing: ['42P01', '3F000', '42703', '42883'],
  // Never heal by themselves.
  DatabaseRefused: ['22003', '22P02', '23505', '23514', '28P01', '3D000', '42501', '42601', '54000'],
};

test('a database error is retried when it can heal, and only then', () => {
  for (const [type, codes] of Object.entries(TYPES)) {
    for (const code of codes) {
      const failure = databaseFailure(Object.assign(new Error('message of the server'), { code }));
      assert.equal(failure.type, type, code);
      assert.equal(failure.nonRetryable, type === 'DatabaseRefused', code);
      assert.equal(failure.message.includes('message of the server'), !/^2[23]/.test(code), code);
    }
  }
  assert.equal(databaseFailure('no error at all').type, 'DatabaseUnavailable');
  const brokenPipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
  assert.equal(databaseFailure(brokenPipe).type, 'DatabaseUnavailable');
});

/** Of a real server. */
const db = await createTestDatabase();
after(() => db.drop());
const run = (statement: string, values?: unknown[]) =>
  db.database.transaction((session) => session.query(statement, values));
const copy = (source: () => Readable, signal?: AbortSignal) =>
  db.database.transaction((session) => session.copyFrom('copy mart.d_city from stdin', source()), signal);

test('errors of a real server come out as such failures, other errors as they are', async () => {
  await assert.rejects(run('select * from mart.f_profit'), { type: 'SchemaMissing' });
  await assert.rejects(run('select 1 / 0'), { type: 'DatabaseRefused' });
  await assert.rejects(run('select pg_terminate_backend(pg_backend_pid())'), { type: 'DatabaseUnavailable' });
  // What the work itself throws stays what it is, whatever its text.
  for (const own of [new TypeError('a bug of ours'), new Error('no connection between a and b: timeout')])
    await assert.rejects(
      db.database.transaction(() => Promise.reject(own)),
      own,
    );
  // A statement that pg cannot even send is a bug of ours as well.
  const circular: unknown[] = [];
  circular.push({ circular });
  await assert.rejects(run('select $1::json', [circular[0]]), TypeError);
  const aborted = AbortSignal.abort(new Error('stopped'));
  await assert.rejects(
    db.database.transaction(() => Promise.resolve(), aborted),
    /stopped/,
  );
  // None of it has cost the pool a connection.
  assert.equal(db.pool.waitingCount, 0);
  await run('select 1');
});

test('a failure names table, column and constraint, and never a value', async () => {
  const cases: [statement: string, message: RegExp][] = [
    [
      `select 'Иванова'::bigint`,
      /^PostgreSQL rejected the statement: a value cannot be read as its type \(22P02\)\.$/,
    ],
    [`select date '2024-02-30'`, /a date or time is out of range \(22008\)/],
    [
      `insert into mart.d_city values (77, 'Иванова'), (77, 'Иванова')`,
      /a key already exists in mart\.d_city, constraint d_city_pkey \(23505\)/,
    ],
    [`insert into mart.d_city values (77, null)`, /a value is missing in mart\.d_city\.city_name \(23502\)/],
    [`do $$ begin raise 'Иванова' using errcode = '22030'; end $$`, /a value cannot be used \(22030\)/],
    [`do $$ begin raise 'Иванова'; end $$`, /a value cannot be used \(P0001\)/],
  ];
  for (const [statement, message] of cases)
    await assert.rejects(run(statement), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.stack ?? '', /Иванова|\b77\b|02-30/);
      return true;
    });
  await assert.rejects(
    copy(() => Readable.from(['77\tИванова\n', '78\tИванова\tболее\n'])),
    {
      type: 'DatabaseRefused',
      message: 'PostgreSQL rejected the statement: a COPY row is malformed (22P04).',
    },
  );
});

test('COPY: an error of the source stays what it is, one of PostgreSQL is a failure', async () => {
  await assert.rejects(
    copy(() => createReadStream('/nowhere/rows')),
    { code: 'ENOENT', syscall: 'open' },
  );
  const breaking = function* () {
    yield '1\tГород\n'.repeat(50_000);
    throw new Error('the disk has a bad connection');
  };
  await assert.rejects(
    copy(() => Readable.from(breaking())),
    { message: 'the disk has a bad connection' },
  );
  await assert.rejects(
    copy(() => Readable.from(['1\tA\n', '1\tB\n'])),
    { type: 'DatabaseRefused' },
  );
  assert.equal(await copy(() => Readable.from(['1\tA\n', '2\tB\n'])), 2);
  const abort = new AbortController();
  let number = 2;
  const endless = new Readable({
    read() {
      setTimeout(() => this.push(`${(number += 1)}\tA\n`), 1);
    },
  });
  setTimeout(() => abort.abort(new Error('stopped')), 200);
  await assert.rejects(
    copy(() => endless, abort.signal),
    /stopped/,
  );
  assert.equal((await db.pool.query('select * from mart.d_city')).rowCount, 2);
});
