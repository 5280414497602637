import { describeNetworkError } from '../runtime/network-error.ts';
import { failure } from '../domain/failures.ts';

/** SQLSTATEs and classes that heal by trying again. */
const TRANSIENT_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
const TRANSIENT_STATES: ReadonlySet<string> = new Set([
  '25006', // read-only: a standby during failover
  '25P03', // idle_in_transaction_session_timeout: this process was stopped for a while
  '25P04', // transaction_timeout
  '25P02', // in_failed_sql_transaction: a consequence of another error
  '55P03', // lock_not_available
  '55006', // object_in_use
  'XX000', // internal_error, e.g. of a server that is going down
]);
/** Undefined table, schema, column or function: the schema is older than the code, or absent. */
const SCHEMA_STATES: ReadonlySet<string> = new Set(['42P01', '3F000', '42703', '42883']);

/**
 * The failure that a database error is. A lost connection has no SQLSTATE and is transient; a message of
 * PostgreSQL never holds the password, so it is told as it is, without `detail`, which can hold rows.
 */
export function databaseFailure(error: unknown) {
  const message = error instanceof AggregateError ? describeNetworkError(error) : errorMessage(error);
  const state = sqlStateOf(error);
  if (state === undefined) return failure('DatabaseUnavailable', `PostgreSQL cannot be reached: ${message}.`);
  if (TRANSIENT_STATES.has(state) || TRANSIENT_CLASSES.has(state.slice(0, 2))) {
    return failure('DatabaseUnavailable', `PostgreSQL could not do it now: ${message} (${state}).`);
  }
  if (SCHEMA_STATES.has(state)) {
    return failure('SchemaMissing', `The database's schema is missing or old: ${message} (${state}).`);
  }
  return failure('DatabaseRefused', `PostgreSQL refused: ${message} (${state}).`);
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a broken socket is no SQLSTATE, although that of a write to it, EPIPE, looks like one. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || 'syscall' in error) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
