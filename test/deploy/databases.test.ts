import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { projectRoot } from '../../runtime/project-root.ts';
import { asAdmin, variable } from '../support/database.ts';
import { client } from '../support/client.ts';
import { findProgram } from '../support/programs.ts';

const skip = findProgram('psql') === undefined && 'no psql: apt-get install postgresql-client';
const OWNER = 'sales_owner';
const WORKER = 'sales_worker';
const ANALYST = 'sales_analyst';
const TEMPORAL = 'temporal';
const ROLES = [OWNER, WORKER, ANALYST, TEMPORAL];

describe('the databases and roles of compose.yaml', { skip }, () => {
  const password = randomBytes(8).toString('hex');
  const server = new URL(variable('TEST_POSTGRES_URL'));

  before(async () => {
    await promisify(execFile)(path.join(projectRoot, 'deploy/postgres/create-databases.sh'), {
      env: {
        PATH: process.env.PATH,
        PGHOST: server.hostname,
        PGPORT: server.port,
        PGPASSWORD: server.password,
        POSTGRES_USER: server.username,
        SALES_OWNER_PASSWORD: `${password}o`,
        SALES_WORKER_PASSWORD: `${password}w`,
        SALES_ANALYST_PASSWORD: `${password}a`,
        TEMPORAL_DATABASE_PASSWORD: `${password}t`,
      },
    });
  });
  after(async () => {
    for (const name of ['sales', 'temporal', 'temporal_visibility']) await asAdmin(`drop database ${name}`);
    for (const role of ROLES) await asAdmin(`drop role ${role}`);
  });

  function url(role: string, database: string): string {
    const url = new URL(server.href);
    url.username = role;
    url.password = password + (role.replace('sales_', '')[0] ?? '');
    url.pathname = `/${database}`;
    return url.href;
  }

  async function ask(role: string, database: string, statement: string): Promise<unknown[]> {
    const connection = new pg.Client({ connectionString: url(role, database) });
    await connection.connect();
    try {
      return (await connection.query<unknown[]>({ text: statement, rowMode: 'array' })).rows.flat();
    } finally {
      await connection.end();
    }
  }

  test('no role is a superuser, makes roles or databases, or enters the databases of another', async () => {
    const may = `select rolname::text from pg_roles where (rolsuper or rolcreaterole or rolcreatedb)
      and rolname in ('${ROLES.join(`', '`)}')`;
    assert.deepEqual(await ask(OWNER, 'sales', may), []);
    for (const [role, database] of [
      [TEMPORAL, 'sales'],
      [OWNER, 'temporal'],
      [WORKER, 'temporal_visibility'],
    ] as const) {
      await assert.rejects(ask(role, database, 'select 1'), /permission denied for database/);
    }
  });

  test('the command of the service migrate lets the worker load and the analyst read, no more', async () => {
    const roles = ['--worker-role', WORKER, '--analyst-role', ANALYST];
    for (let round = 1; round <= 2; round++) {
      const migrated = await client(['migrate', ...roles], { DATABASE_URL: url(OWNER, 'sales') });
      assert.equal(migrated.code, 0, migrated.stderr);
    }
    assert.deepEqual(await ask(WORKER, 'sales', 'select count(*)::int from staging.day_load'), [0]);
    assert.deepEqual(await ask(ANALYST, 'sales', 'select count(*)::int from mart.f_sales'), [0]);
    for (const [role, statement] of [
      [WORKER, 'create table mart.t ()'],
      [WORKER, 'create temporary table t ()'],
      [WORKER, 'drop table staging.day_load'],
      [ANALYST, 'select raw from staging.rejected_row'],
      [ANALYST, 'delete from mart.f_sales'],
      [ANALYST, 'create temporary table t ()'],
    ] as const) {
      await assert.rejects(ask(role, 'sales', statement), /permission denied|must be owner/, statement);
    }
  });

  test('a role that does not exist is named, and the schema stays', async () => {
    const { code, stderr } = await client(['migrate', '--worker-role', 'nobody'], {
      DATABASE_URL: url(OWNER, 'sales'),
    });
    assert.equal(code, 1);
    assert.match(stderr, /"nobody"/);
  });
});
