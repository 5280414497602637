import { connect } from 'node:net';
import pg from 'pg';
import { tlsOf } from './tls.ts';

export interface PoolOptions {
  /** Undefined: the PG* variables of the process's environment. */
  connectionString: string | undefined;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  maxConnections: number;
  /** Told of an idle connection that broke; the pool replaces it by itself. */
  onIdleError: (error: Error) => void;
  /** Called at once with what to know about the encryption of connections. */
  onWarning?: (message: string) => void;
}

/** Dates and timestamps stay the text that PostgreSQL sends: a JavaScript Date would shift them by a time zone. */
const DATE = 1082;
const TIMESTAMP = 1114;

type ParserOf = (oid: number, format?: 'text' | 'binary') => (text: string) => unknown;
const usualParserOf = pg.types.getTypeParser as ParserOf;
const parserOf: ParserOf = (oid, format) =>
  oid === DATE || oid === TIMESTAMP ? (text) => text : usualParserOf(oid, format);

/** Also the longest wait for a connection of the pool. Some servers and poolers take seconds for a new one. */
const CONNECT_TIMEOUT_MS = 15_000;
/** One that has gone silent meanwhile is not kept for long. */
const IDLE_TIMEOUT_MS = 10_000;
/** The operating system asks ten times, a second apart, whether the other side is there. */
const KEEPALIVE_AFTER_MS = 10_000;

const GOODBYE_TIMEOUT_MS = 2_000;

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Ends also when the server does not close the connection: such a socket would keep the process alive. */
class BoundedClient extends pg.Client {
  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | undefined {
    setTimeout(() => this.connection.stream.destroy(), GOODBYE_TIMEOUT_MS).unref();
    if (!callback) return super.end();
    super.end(callback);
    return undefined;
  }
}

/** For sslmode=prefer: asks the server for TLS first, and goes without where it has none. */
class PrefersTls extends BoundedClient {
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error | null, client?: pg.Client) => void): void;
  override connect(
    callback?: (error: Error | null, client?: pg.Client) => void,
  ): Promise<pg.Client> | undefined {
    const connected = this.#negotiate().then(() => super.connect());
    if (!callback) return connected;
    connected.then((client) => callback(null, client), callback);
    return undefined;
  }

  async #negotiate(): Promise<void> {
    if (await offersTls(this)) return;
    // pg reads both when it connects.
    Object.assign(this, { ssl: false });
    Object.assign(this.connection, { ssl: false });
  }
}

async function offersTls({ host, port }: { host: string; port: number }): Promise<boolean> {
  const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
  socket.once('timeout', () => socket.destroy(new Error('timeout expired')));
  socket.write(SSL_REQUEST);
  // The loop ends the socket.
  for await (const answer of socket) return (answer as Buffer).toString().startsWith('S');
  return false;
}

/** Throws `SettingsError`. */
export function createPool(options: PoolOptions): pg.Pool {
  const { connectionString, ssl, isOptional, warning } = tlsOf(options.connectionString, process.env);
  if (warning !== undefined) options.onWarning?.(warning);
  const pool = new pg.Pool({
    ...(connectionString === undefined ? {} : { connectionString }),
    ssl,
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
    types: { getTypeParser: parserOf },
    Client: isOptional ? PrefersTls : BoundedClient,
  });
  pool.on('error', options.onIdleError);
  return pool;
}

/**
 * Another connection to the same database, which the caller ends. Not of the pool: that may be used up, or its
 * connections lost.
 */
export async function connectOutsidePool(pool: pg.Pool, applicationName: string): Promise<pg.Client> {
  const { options } = pool;
  const Client = options.Client as typeof pg.Client;
  const client = new Client({
    ...options,
    // Not enumerable.
    password: options.password,
    application_name: applicationName,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  // An error between two queries shows at the next one.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
