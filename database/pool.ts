import pg from 'pg';

export interface PoolOptions {
  /** Undefined: the PG* variables of the process's environment. */
  connectionString: string | undefined;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  maxConnections: number;
  /** Told of an idle connection that broke; the pool replaces it by itself. */
  onIdleError: (error: Error) => void;
}

/** Dates and timestamps stay the text that PostgreSQL sends: a JavaScript Date would shift them by a time zone. */
const DATE = 1082;
const TIMESTAMP = 1114;

type ParserOf = (oid: number, format?: 'text' | 'binary') => (text: string) => unknown;
const usualParserOf = pg.types.getTypeParser as ParserOf;
const parserOf: ParserOf = (oid, format) =>
  oid === DATE || oid === TIMESTAMP ? (text) => text : usualParserOf(oid, format);

/**
 * Session settings of every connection, so that no server, role or database setting can change what a value
 * means. `client_connection_check_interval` ends the statement of a client that is gone.
 */
const SESSION = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  search_path: 'pg_catalog',
  lock_timeout: '60s',
  statement_timeout: '30min',
  idle_in_transaction_session_timeout: '60s',
  // A step whose commit was acknowledged is never done again: the acknowledgement must hold over a crash, also
  // where the server's default gives it before the commit is written (`off`).
  synchronous_commit: 'on',
  client_connection_check_interval: '2s',
  // The same for one whose machine or network is gone: nothing else would end a COPY that waits for its rows.
  tcp_keepalives_idle: '30s',
  tcp_keepalives_interval: '10s',
  // A day's rows are sorted and hashed in memory, and wait in a temporary table; PostgreSQL's defaults are 4 and 8 MB.
  work_mem: '32MB',
  temp_buffers: '32MB',
};

const CONNECT_TIMEOUT_MS = 10_000;

const SESSION_SQL = Object.entries(SESSION)
  .map(([name, value]) => `set ${name} = '${value}'`)
  .join('; ');

const SETTING_UP: pg.QueryConfig & { query_timeout: number } = {
  text: SESSION_SQL,
  query_timeout: CONNECT_TIMEOUT_MS,
};

const GOODBYE_TIMEOUT_MS = 2_000;

/** Ends also where the server does not answer the goodbye; a process could not end beside such a socket. */
class SureToEnd extends pg.Client {
  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | undefined {
    setTimeout(() => this.connection.stream.destroy(), GOODBYE_TIMEOUT_MS).unref();
    if (!callback) return super.end();
    super.end(callback);
    return undefined;
  }
}

export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...(options.connectionString === undefined ? {} : { connectionString: options.connectionString }),
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser: parserOf },
    Client: SureToEnd,
    // Awaited by the pool before it hands the connection out. The pool's own limit ends before it, and a
    // connection that goes silent here would be waited for without an end.
    onConnect: (client) => client.query(SETTING_UP) as unknown as undefined,
  });
  pool.on('error', options.onIdleError);
  return pool;
}
