import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import {
  isLocalHost,
  isSslMode,
  parseDatabaseUrl,
  SSL_MODES,
  type SslMode,
} from '../runtime/database-url.ts';
import { SettingsError } from '../runtime/settings.ts';

/** How connections are encrypted: as psql does it with the same settings. */
export interface Tls {
  /** Without the parameters about TLS, which pg takes for others. */
  connectionString: string | undefined;
  ssl: false | ConnectionOptions;
  /** A server without TLS is used as well. */
  isOptional: boolean;
  /** What to know about it at the start. */
  warning: string | undefined;
}

type Parameter = 'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey';
const PARAMETERS = /^(ssl(mode|rootcert|cert|key)?|uselibpqcompat)$/;

const WITHOUT_SSLMODE =
  'DATABASE_URL (or PGHOST) points to another machine and has no sslmode: the password goes to whoever answers, and ' +
  'unencrypted where the server has no TLS. Set sslmode=verify-full, and sslrootcert for a private CA.';
const WARNINGS: Partial<Record<SslMode, string>> = {
  allow:
    'sslmode=allow is treated as prefer: where the server has no TLS, the connection to PostgreSQL is not encrypted.',
  prefer: 'sslmode=prefer: where the server has no TLS, the connection to PostgreSQL is not encrypted.',
  require:
    'sslmode=require encrypts the connection to PostgreSQL but does not verify who answers; verify-full does.',
};

/** The TLS options that DATABASE_URL asks for, or the PG* variables where it is silent. Throws `SettingsError`. */
export function tlsOf(databaseUrl: string | undefined, env: NodeJS.ProcessEnv): Tls {
  const url = databaseUrl === undefined ? undefined : parseDatabaseUrl(databaseUrl);
  const given = (name: Parameter) =>
    url?.searchParams.get(name) ?? (env[`PG${name.toUpperCase()}`] || undefined);
  const host = url?.searchParams.get('host') ?? decodeURIComponent(url?.hostname ?? '');
  const server = host || (env.PGHOST ?? '');
  const sslmode = given('sslmode');
  const mode = sslmode ?? (isLocalHost(server) ? 'disable' : 'prefer');
  if (!isSslMode(mode)) throw new SettingsError([`PGSSLMODE must be one of ${SSL_MODES.join(', ')}.`]);
  const connectionString = databaseUrl && withoutParameters(databaseUrl);
  if (mode === 'disable' || server.startsWith('/')) {
    return { connectionString, ssl: false, isOptional: false, warning: undefined };
  }
  const authority = given('sslrootcert');
  const ssl: ConnectionOptions = {
    ca: authority === undefined || authority === 'system' ? undefined : read('sslrootcert', authority),
    cert: read('sslcert', given('sslcert')),
    key: read('sslkey', given('sslkey')),
  };
  // As in psql, a CA makes `require` verify.
  const verifiesChain = mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && authority);
  if (mode === 'verify-ca' && ssl.ca === undefined) {
    throw new SettingsError([
      'sslmode=verify-ca needs sslrootcert: the certificate file of the CA to trust.',
    ]);
  }
  if (!verifiesChain) ssl.rejectUnauthorized = false;
  if (mode !== 'verify-full') ssl.checkServerIdentity = () => undefined;
  const warning = sslmode === undefined ? WITHOUT_SSLMODE : WARNINGS[mode === 'no-verify' ? 'require' : mode];
  return {
    connectionString,
    ssl,
    isOptional: mode === 'prefer' || mode === 'allow',
    warning: verifiesChain ? undefined : warning,
  };
}

function withoutParameters(url: string): string {
  const [address = '', query = ''] = url.split('?', 2);
  const rest = [...new URLSearchParams(query)].filter(([name]) => !PARAMETERS.test(name));
  return rest.length === 0 ? address : `${address}?${new URLSearchParams(rest).toString()}`;
}

function read(name: Parameter, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SettingsError([`${name} cannot be read: ${(error as Error).message}.`]);
  }
}
