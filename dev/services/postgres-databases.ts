import { createHmac } from 'node:crypto';
import pg from 'pg';
import { isErrno } from './errors.ts';
import { LOCALHOST } from './ports.ts';
import { SUPERUSER } from './postgres-data.ts';

/** The databases and roles of one server. Every role's password is derived from the server's secret. */
export class Databases {
  readonly adminUrl: string;
  readonly #secret: string;
  readonly #port: number;

  constructor(secret: string, port: number) {
    this.#secret = secret;
    this.#port = port;
    this.adminUrl = this.#url(SUPERUSER, 'postgres');
  }

  passwordOf(role: string): string {
    return createHmac('sha256', this.#secret).update(role).digest('hex');
  }

  async create(name: string, owner: string = SUPERUSER, template?: string): Promise<string> {
    await this.asAdmin(async (client) => {
      if (owner !== SUPERUSER) {
        const role = `${pg.escapeIdentifier(owner)} login password ${pg.escapeLiteral(this.passwordOf(owner))}`;
        await unlessExists(client.query(`create role ${role}`));
      }
      const found = await client.query('select from pg_database where datname = $1', [name]);
      if (found.rowCount !== 0) return;
      const from = template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`;
      const database = `${pg.escapeIdentifier(name)} owner ${pg.escapeIdentifier(owner)}${from}`;
      await unlessExists(client.query(`create database ${database}`));
    });
    return this.#url(owner, name);
  }

  async drop(name: string): Promise<void> {
    await this.asAdmin((client) =>
      client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
    );
  }

  async asAdmin(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const client = new pg.Client({ connectionString: this.adminUrl, connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined); // the query that it breaks off reports it
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #url(role: string, database: string): string {
    const [name = '', password = '', db = ''] = [role, this.passwordOf(role), database].map(
      encodeURIComponent,
    );
    return `postgresql://${name}:${password}@${LOCALHOST}:${this.#port}/${db}`;
  }
}

/** For psql, so that no password stands in a command line, which every user of the machine can read. */
export function psqlEnvironment(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const [user, secret, database] = [username, password, pathname.slice(1)].map(decodeURIComponent);
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: user ?? '',
    PGPASSWORD: secret ?? '',
    PGDATABASE: database ?? '',
  };
}

async function unlessExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    // duplicate_object and duplicate_database, or unique_violation when two make it in the same moment
    if (!isErrno(error, '42710', '42P04', '23505')) throw error;
  }
}
