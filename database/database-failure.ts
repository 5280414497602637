import { ApplicationFailure } from '@temporalio/common';
import type pg from 'pg';
import { describeNetworkError } from '../runtime/network-error.ts';
import { failure } from '../domain/failures.ts';

const LOCK_NOT_AVAILABLE = '55P03';
/** SQLSTATEs and classes that heal by trying again. */
const TRANSIENT_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
const TRANSIENT_STATES: ReadonlySet<string> = new Set([
  '25006', // read-only: a standby during failover
  '25P03', // idle_in_transaction_session_timeout: this process was stopped for a while
  '25P04', // transaction_timeout
  '25P02', // in_failed_sql_transaction: a consequence of another error
  '55006', // object_in_use
  'XX000', // internal_error, e.g. of a server that is going down
  LOCK_NOT_AVAILABLE,
]);
const LACKS_A_RIGHT = '42501';
/** Undefined table, schema, column or function: the schema is older than the code, or absent. */
const SCHEMA_STATES: ReadonlySet<string> = new Set(['42P01', '3F000', '42703', '42883']);

/**
 * Classes whose messages can quote a value: of those, only names are passed on. 22 data exception, 23 integrity
 * constraint violation, 44 check of a view, P0 raised by a trigger of somebody's.
 */
const CLASSES_THAT_QUOTE: ReadonlySet<string> = new Set(['22', '23', '44', 'P0']);

const CONDITIONS: Readonly<Record<string, string>> = {
  '22001': 'a text is too long for its column',
  '22003': 'a number is out of range',
  '22007': 'a date or time cannot be read',
  '22008': 'a date or time is out of range',
  '22012': 'division by zero',
  '22021': 'a text is not valid UTF-8',
  '22P02': 'a value cannot be read as its type',
  '22P04': 'a COPY row is malformed',
  '23502': 'a value is missing',
  '23503': 'a referenced row does not exist',
  '23505': 'a key already exists',
  '23514': 'a check is violated',
};

/** The failure that an error of pg is. A lost connection has no SQLSTATE and is transient. */
export function databaseFailure(error: unknown) {
  const state = sqlStateOf(error);
  const message = safeMessage(error, state);
  if (state === undefined) return failure('DatabaseUnavailable', `PostgreSQL cannot be reached: ${message}.`);
  if (TRANSIENT_STATES.has(state) || TRANSIENT_CLASSES.has(state.slice(0, 2))) {
    const text = `PostgreSQL cannot process the request now: ${message} (${state}).`;
    return failure('DatabaseUnavailable', text, { details: [state] });
  }
  if (SCHEMA_STATES.has(state)) {
    return failure('SchemaMissing', `The database schema is missing or out of date: ${message} (${state}).`);
  }
  const roles =
    state === LACKS_A_RIGHT ? ' docs/deployment.md, "Roles of the database": who may do what.' : '';
  return failure('DatabaseRefused', `PostgreSQL rejected the statement: ${message} (${state}).${roles}`);
}

/** A lock was not to be had within the transaction's lock_timeout. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.details?.[0] === LOCK_NOT_AVAILABLE;
}

/** Never `detail` or `where`, which can hold rows; PostgreSQL's messages never hold the password. */
function safeMessage(error: unknown, state: string | undefined): string {
  if (!(error instanceof Error) || state === undefined) return describeNetworkError(error);
  if (!CLASSES_THAT_QUOTE.has(state.slice(0, 2))) return error.message;
  const { schema, table, column, constraint } = error as Error &
    Pick<pg.DatabaseError, 'schema' | 'table' | 'column' | 'constraint'>;
  const place = [
    table && ` in ${[schema, table, column].filter(Boolean).join('.')}`,
    constraint && `, constraint ${constraint}`,
  ];
  return (CONDITIONS[state] ?? 'a value cannot be used') + place.filter(Boolean).join('');
}

/** The server's SQLSTATE; undefined when the error is not the server's. A broken socket's EPIPE only looks like one. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || 'syscall' in error) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
