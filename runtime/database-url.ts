import { isPort } from './port.ts';

/** What psql knows, and pg's own word for `require`. */
export const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
] as const;
export type SslMode = (typeof SSL_MODES)[number];

/**
 * A DATABASE_URL that pg reads as it is meant. Throws an Error whose message is a clause that says what to write; it never
 * holds a part of the URL.
 */
export function databaseUrl(value: string): string {
  const url = value.trim();
  const [, authority = '', path = '', query = ''] =
    /^postgres(?:ql)?:\/\/([^/?]*)([^?]*)\??(.*)$/.exec(url) ?? [];
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Error('must be a URL like postgresql://user:password@host/database');
  }
  if (url.includes('#')) throw new Error('must percent-encode # as %23 in user and password');
  const parameters = new URLSearchParams(query);
  if (path.includes('@') || [...parameters.keys()].some((name) => !/^\w+$/.test(name))) {
    throw new Error('must percent-encode / as %2F, ? as %3F and @ as %40 in user and password');
  }
  const [, host = '', port] =
    /^(\[.*\]|.*?)(?::(.*))?$/.exec(authority.slice(authority.lastIndexOf('@') + 1)) ?? [];
  if (/,/.test(host + (port ?? '') + (parameters.get('host') ?? ''))) {
    throw new Error('must name one host: a list of hosts is not supported');
  }
  for (const text of [port, parameters.get('port')]) {
    if (text && !isPort(text)) {
      throw new Error(
        authority.includes('@')
          ? 'must have a port from 1 to 65535'
          : 'must have a port from 1 to 65535, and must percent-encode / as %2F and ? as %3F in user and password',
      );
    }
  }
  const sslmode = parameters.get('sslmode');
  if (sslmode !== null && !isSslMode(sslmode))
    throw new Error(`must have an sslmode of ${SSL_MODES.join(', ')}`);
  try {
    parseDatabaseUrl(url);
    decodeURIComponent(authority + path);
  } catch {
    throw new Error(
      'cannot be read: percent-encode everything except letters and digits in user, password and database (% as %25)',
    );
  }
  return url;
}

export function isSslMode(text: string): text is SslMode {
  return SSL_MODES.some((mode) => mode === text);
}

/** What pg cannot use of the PG* variables that it takes for what the URL leaves open, or that there are none. */
export function libpqFaults(url: string | undefined, env: NodeJS.ProcessEnv): string[] {
  const { PGHOST, PGPORT, PGDATABASE, PGUSER } = env;
  if (url === undefined && ![PGHOST, PGPORT, PGDATABASE, PGUSER].some(Boolean))
    return ['DATABASE_URL is not set (PostgreSQL), and neither are PGHOST, PGPORT, PGDATABASE or PGUSER.'];
  const { hostname, port, searchParams } = parseDatabaseUrl(url ?? 'postgres://');
  const faults: string[] = [];
  if (PGHOST?.includes(',') && !hostname && !searchParams.has('host'))
    faults.push(`PGHOST must name one host, since pg tries no list of hosts, but is "${PGHOST}".`);
  if (PGPORT && !port && !searchParams.has('port') && !isPort(PGPORT.trim()))
    faults.push(`PGPORT must be a port from 1 to 65535, but is "${PGPORT}".`);
  return faults;
}

/** Without a host (a socket directory can be a parameter) the URL standard refuses a user. */
export function parseDatabaseUrl(url: string): URL {
  return new URL(url.replace('@/', '@localhost/'));
}

/** Whether a host, or the directory of a socket, is this machine. */
export function isLocalHost(host: string): boolean {
  return host === '' || host.startsWith('/') || /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/.test(host);
}
