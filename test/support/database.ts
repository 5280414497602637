import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { Database } from '../../database/database.ts';
import { createPool, type PoolOptions } from '../../database/pool.ts';

export interface TestDatabase {
  /** Of the role that owns the database and is no superuser. */
  url: string;
  pool: pg.Pool;
  database: Database;
  drop(): Promise<void>;
}

/** A database of its own for one test, with the schema, copied from the template that `test/run.ts` has made. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = new URL(variable('TEST_TEMPLATE_URL'));
  await asAdmin(
    `create database ${name} owner ${template.username} template ${empty ? 'template0' : template.pathname.slice(1)}`,
  );
  const url = new URL(template);
  url.pathname = `/${name}`;
  const database = openDatabase(url.href);
  return {
    url: url.href,
    pool: database.pool,
    database,
    async drop() {
      await database.pool.end();
      await asAdmin(`drop database ${name} with (force)`);
    },
  };
}

/** Ended by its pool. */
export function openDatabase(url: string, maxConnections = 10): Database {
  return new Database(poolTo(url, { maxConnections }));
}

/** Connections of others than the test's own: of another role, by another way, as another process has them. */
export function poolTo(connectionString: string, options: Partial<PoolOptions> = {}): pg.Pool {
  return createPool({
    ...{ connectionString, applicationName: 'test', maxConnections: 10, onIdleError: () => undefined },
    ...options,
  });
}

/** The same database, for another role that has the password `x`. */
export function urlAs(role: string, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = 'x';
  return url.href;
}

/** One that is dropped when the test ends. */
export async function databaseFor(t: TestContext, options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const db = await createTestDatabase(options);
  t.after(() => db.drop());
  return db;
}

/** Runs one statement as the superuser. */
export async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: variable('TEST_POSTGRES_URL') });
  await client.connect();
  try {
    // Two copies of one template at once make the second fail for a moment.
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.query(statement);
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== '55006' || attempt === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await client.end();
  }
}

export function variable(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(
      `${name} is not set: run the tests with \`npm test\`, or \`npm test -- <file>\` for one file.`,
    );
  return value;
}
