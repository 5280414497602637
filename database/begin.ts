import { randomBytes } from 'node:crypto';
import pg from 'pg';

export type Isolation = 'read committed' | Snapshot;
/** The second one shares that of another transaction, which pg_export_snapshot() names. */
type Snapshot =
  'repeatable read, read only' | `repeatable read, read only; set transaction snapshot '${string}'`;

/**
 * Settings of every transaction, so that no setting of a server, role or database changes what a value means or ends
 * a load. They are local to the transaction: behind a pooler, the connection belongs to somebody else afterwards.
 */
const SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  search_path: 'pg_catalog',
  standard_conforming_strings: 'on',
  // Below 1, the digits of a large number are rounded off.
  extra_float_digits: '1',
  // A statement that works, or waits for a lock, is given up by the limit of its activity and by nothing else.
  lock_timeout: '0',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '60s',
  // A step whose commit was acknowledged is never done again: the acknowledgement must hold over a crash, also
  // where the server's default gives it before the commit is written (`off`).
  synchronous_commit: 'on',
  // The server notices a client whose machine or network is gone: nothing else would end a COPY that waits for its rows.
  tcp_keepalives_idle: '30s',
  tcp_keepalives_interval: '10s',
  // A day's rows are sorted and hashed in memory; the default is 4 MB.
  work_mem: '32MB',
};

/** Nothing has begun before the answer to this message, so that a limit on it costs nothing. */
const BEGIN_LIMIT_MS = 20_000;

/** A server as seen by one of its sessions. */
export interface ServerSeen {
  /** When it was started, in seconds. */
  started: string;
  user: string;
}

export const SERVER_SEEN = `extract(epoch from pg_catalog.pg_postmaster_start_time())::text as started, session_user as "user"`;

const SET_CONFIG = Object.entries(SETTINGS).map(([name, value]) => setConfig(name, value));
// PostgreSQL 17 has one more limit.
const SET_TRANSACTION_TIMEOUT = `case when pg_catalog.current_setting('server_version_num')::integer >= 170000
  then ${setConfig('transaction_timeout', '0')} end`;
// The server ends the statement of a client that is gone. On Windows, and elsewhere before 15, it refuses to look.
const SET_CLIENT_CHECK = `case when pg_catalog.version() like '%linux%'
  then ${setConfig('client_connection_check_interval', '2s')} end`;

/**
 * The message that begins a transaction; its last result is the `ServerSeen`. Settings are made by a query, whose
 * constants pg_stat_statements leaves out: before PostgreSQL 18 it keeps an entry for each value of a `set` (contract,
 * ruling 53).
 */
export function beginMessage(isolation: Isolation, transactionName: string): pg.QueryConfig {
  const settings = [
    setConfig('application_name', transactionName),
    ...SET_CONFIG,
    SET_TRANSACTION_TIMEOUT,
    SET_CLIENT_CHECK,
  ];
  return {
    text: `begin isolation level ${isolation}; select ${settings.join(', ')}, ${SERVER_SEEN}`,
    query_timeout: BEGIN_LIMIT_MS,
  } as pg.QueryConfig;
}

/** Until the transaction ends. */
function setConfig(name: string, value: string): string {
  return `pg_catalog.set_config('${name}', ${pg.escapeLiteral(value)}, true)`;
}

/** The name by which other sessions find this transaction, and no other, in pg_stat_activity. */
export function transactionName(applicationName: string): string {
  return `${applicationName} ${randomBytes(6).toString('hex')}`;
}
