import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { projectRoot } from '../runtime/project-root.ts';
import { updateComments } from './comments.ts';
import { Database } from './database.ts';
import { FIRST_PAUSE_MS, notingWaits } from './lock-waits.ts';
import { MIGRATION_LOCK } from './locks.ts';
import { orDatabaseFailure, type Session } from './session.ts';
import { sql } from './sql.ts';

export interface Migration {
  version: number;
  /** E.g. `0001_staging`. */
  name: string;
}

export interface MigrationResult {
  /** What the database has now. */
  version: number;
  applied: string[];
}

/** The database has a newer schema than this code knows, or one that differs from it. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
}

/** The numbered files of sql/migrations, in their order. */
export function migrations(): Migration[] {
  return readdirSync(path.join(projectRoot, 'sql', 'migrations'))
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file, index) => {
      const name = file.slice(0, -'.sql'.length);
      const version = Number(name.slice(0, 4));
      if (version !== index + 1) throw new Error(`sql/migrations/${file} is not number ${index + 1}.`);
      return { version, name };
    });
}

/** A server or database that the schema cannot be made in. */
export class UnsuitableDatabase extends Error {
  override readonly name = 'UnsuitableDatabase';
}

const OLDEST_SERVER = 14;

/** Throws `UnsuitableDatabase`. */
export function checkSuitable({ version, encoding }: { version: string; encoding: string }): void {
  if (Number.parseInt(version) < OLDEST_SERVER) {
    throw new UnsuitableDatabase(
      `PostgreSQL ${version} is too old: version ${OLDEST_SERVER} or newer is required. Upgrade the server or use another one.`,
    );
  }
  if (encoding !== 'UTF8') {
    throw new UnsuitableDatabase(
      `The encoding of the database is ${encoding}, which cannot hold every text. ` +
        "Create the database anew with `encoding 'UTF8' template template0`.",
    );
  }
}

/**
 * Brings the schema to the newest version. Each migration and its version row are one transaction; an advisory
 * lock makes it safe to start from many places at once. `note` is called with what a long wait is for. Throws
 * `SchemaMismatch` and `UnsuitableDatabase`.
 */
export async function migrate(
  pool: pg.Pool,
  upTo: number = Infinity,
  note: (line: string) => void = () => undefined,
): Promise<MigrationResult> {
  const { rows } = await orDatabaseFailure(pool.query<{ version: string; encoding: string }>(SERVER));
  for (const server of rows) checkSuitable(server);
  const applied: string[] = [];
  const database = new Database(pool);
  for (;;) {
    const { version, name } = await database.transaction((session) =>
      notingWaits(session, pool, note, FIRST_PAUSE_MS, () => applyNext(session, upTo)),
    );
    if (name === undefined) return { version, applied };
    applied.push(name);
  }
}

const SERVER = `select current_setting('server_version') as version, current_setting('server_encoding') as encoding`;

/** Without a name when there was nothing to apply. */
async function applyNext(session: Session, upTo: number): Promise<{ version: number; name?: string }> {
  await session.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await session.execute('migrations_table');
  const { rows } = await session.query<{ version: number; checksum: string }>(
    'select version, checksum from staging.schema_migration order by version',
  );
  const known = migrations();
  for (const { version, checksum } of rows) {
    const migration = known[version - 1];
    if (!migration) {
      throw new SchemaMismatch(
        `The database has schema version ${rows.length}, but this release knows only ${known.length}. ` +
          'Upgrade this installation; migrations are never reverted.',
      );
    }
    if (checksum !== checksumOf(migration)) {
      throw new SchemaMismatch(
        `sql/migrations/${migration.name}.sql is not the file that was applied to this database. ` +
          'Restore it, and write what should change into a new migration.',
      );
    }
  }
  const next = known[rows.length];
  if (!next) {
    await session.run('staging/next_delivery_number', [0]);
    await updateComments(session);
  }
  if (!next || next.version > upTo) return { version: rows.length };
  await session.execute(`migrations/${next.name}`);
  await session.query('insert into staging.schema_migration (version, name, checksum) values ($1, $2, $3)', [
    next.version,
    next.name,
    checksumOf(next),
  ]);
  return next;
}

/** Taken of the text with LF line ends: a checkout on Windows may have turned them into CRLF. */
function checksumOf(migration: Migration): string {
  const text = sql(`migrations/${migration.name}`).replaceAll('\r\n', '\n');
  return createHash('sha256').update(text).digest('hex');
}
