import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { databaseFailure } from '../../database/database-failure.ts';
import { createTestDatabase } from '../support/database.ts';

const TYPES: Record<string, string[]> = {
  // Heal by trying again.
  DatabaseUnavailable: [
    ...['08006', '08P01', '40001', '40P01', '53300', '53100', '55P03', '57P01', '57P03', '57014', '58030'],
    ...['25006', '25P03', '25P04', 'XX000', 'ECONNREFUSED', 'ECONNRESET'],
  ],
  // Heal by `migrate`.
  SchemaMissing: ['42P01', '3F000', '42703', '42883'],
  // Never heal by themselves.
  DatabaseRefused: ['22003', '22P02', '23505', '23514', '28P01', '3D000', '42501', '42601', '54000'],
};

test('a database error is retried when it can heal, and only then', () => {
  for (const [type, codes] of Object.entries(TYPES)) {
    for (const code of codes) {
      const failure = databaseFailure(Object.assign(new Error('what the server said'), { code }));
      assert.equal(failure.type, type, code);
      assert.equal(failure.nonRetryable, type !== 'DatabaseUnavailable', code);
      assert.match(failure.message, /what the server said/);
    }
  }
  assert.equal(databaseFailure('no error at all').type, 'DatabaseUnavailable');
});

test('errors of a real server come out as such failures, other errors as they are', async () => {
  const db = await createTestDatabase({ empty: true });
  try {
    const fails = (type: string, query: string) =>
      assert.rejects(
        db.database.transaction((session) => session.client.query(query)),
        (error) => error instanceof ApplicationFailure && error.type === type,
        query,
      );
    await fails('SchemaMissing', 'select * from mart.f_sales');
    await fails('DatabaseRefused', 'select 1 / 0');
    await fails('DatabaseUnavailable', 'select pg_terminate_backend(pg_backend_pid())');
    const own = new TypeError('a bug of ours');
    await assert.rejects(
      db.database.transaction(() => Promise.reject(own)),
      own,
    );
    const aborted = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(
      db.database.transaction(() => Promise.resolve(), aborted),
      /stopped/,
    );
    // None of it has cost the pool a connection.
    assert.equal(db.pool.waitingCount, 0);
    await db.database.transaction((session) => session.client.query('select 1'));
  } finally {
    await db.drop();
  }
});
