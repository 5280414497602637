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
  client_connection_check_interval: '2s',
};

const SESSION_SQL = Object.entries(SESSION)
  .map(([name, value]) => `set ${name} = '${value}'`)
  .join('; ');

export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...(options.connectionString === undefined ? {} : { connectionString: options.connectionString }),
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser: parserOf },
    // Awaited by the pool before it hands the connection out.
    onConnect: (client) => client.query(SESSION_SQL) as unknown as undefined,
  });
  pool.on('error', options.onIdleError);
  return pool;
}
