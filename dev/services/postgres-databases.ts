import { createHmac } from 'node:crypto';
import pg from 'pg';
import { isErrno } from './errors.ts';
import { LOCALHOST } from './ports.ts';

export const SUPERUSER = 'postgres';

/** The databases and roles of one server. Every role's password is derived from the server's secret. */
export class Databases {
  readonly #secret: string;
  readonly #port: number;

  constructor(secret: string, port: number) {
    this.#secret = secret;
    this.#port = port;
  }

  passwordOf(role: string): string {
    return createHmac('sha256', this.#secret).update(role).digest('hex');
  }

  urlOf(role: string, database: string): string {
    return `postgresql://${role}:${this.passwordOf(role)}@${LOCALHOST}:${this.#port}/${database}`;
  }

  async create(name: string, template = 'template1'): Promise<string> {
    const owner = template === 'template1' ? name : template;
    const [database, role, from] = [name, owner, template].map(pg.escapeIdentifier);
    await this.asAdmin(async (client) => {
      const password = pg.escapeLiteral(this.passwordOf(owner));
      await unlessExists(client.query(`create role ${role} login password ${password}`));
      await unlessExists(client.query(`create database ${database} owner ${role} template ${from}`));
    });
    return this.urlOf(owner, name);
  }

  async asAdmin(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const connectionString = this.urlOf(SUPERUSER, 'postgres');
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined); // the query that it breaks off reports it
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** For psql, so that no password stands in a command line, which every user of the machine can read. */
export function psqlEnvironment(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
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
