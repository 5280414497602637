import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { databaseUrl } from '../../runtime/database-url.ts';
import { readSettings } from '../../runtime/settings.ts';

test('a DATABASE_URL that pg reads as it is meant is taken', () => {
  const taken: [url: string, host: string, password: string | null][] = [
    ['postgresql://user:pw@db.example.com/sales', 'db.example.com', 'pw'],
    ['postgres://user:p%23%2F%40%3F%25@127.0.0.1:6432/sales?sslmode=require', '127.0.0.1', 'p#/@?%'],
    ['postgresql://user:p@ss@localhost/sales', 'localhost', 'p@ss'],
    ['postgresql://user:pw@[::1]:5433/sales', '::1', 'pw'],
    ['postgresql://localhost/sales?user=me@example.com&password=a%26b', 'localhost', 'a&b'],
    ['postgresql://user:pw@/sales?host=/var/run/postgresql', '/var/run/postgresql', 'pw'],
    ['postgresql://user:pw@%2Fvar%2Frun/sales', '/var/run', 'pw'],
    [' postgresql://user:pw@db/sales\n', 'db', 'pw'],
  ];
  for (const [url, host, password] of taken) {
    const read = new pg.Client({ connectionString: databaseUrl(url) });
    assert.deepEqual([read.host, read.password], [host, password], url);
  }
});

const SECRET = 'Geheim';

test('one that would be read otherwise, or not at all, is a fault of the settings, in words without the password', () => {
  const refused: [url: string, clause: RegExp][] = [
    [`mysql://user:${SECRET}@db/sales`, /must be a URL like postgresql/],
    [`postgresql://user:${SECRET}#1@db/sales`, /percent-encode # as %23/],
    [`postgresql://user:${SECRET}/1@db/sales`, /percent-encode \/ as %2F/],
    [`postgresql://user:12/${SECRET}@db/sales`, /percent-encode \/ as %2F/],
    [`postgresql://user:12?${SECRET}@db/sales`, /\? as %3F/],
    [`postgresql://user:${SECRET}?1=2@db/sales`, /\? as %3F/],
    [`postgresql://user:${SECRET}@one,two/sales`, /must name one host/],
    [`postgresql://user:${SECRET}@one:5432,two:5432/sales`, /must name one host/],
    [`postgresql://user:${SECRET}@/sales?host=one,two`, /must name one host/],
    [`postgresql://user:${SECRET}@db:0/sales`, /port from 1 to 65535/],
    [`postgresql://user:${SECRET}@db:70000/sales`, /port from 1 to 65535/],
    [`postgresql://user:${SECRET}@db:x/sales`, /port from 1 to 65535/],
    [`postgresql://user:${SECRET}%FF@db/sales`, /% as %25/],
    [`postgresql://user:${SECRET}@db/sales?sslmode=strict`, /an sslmode of disable, /],
    [`postgresql://user:${SECRET}@d b:5432/sales`, /cannot be read/],
  ];
  for (const [url, clause] of refused) {
    assert.throws(
      () => readSettings({ DATABASE_URL: url }, ['DATABASE_URL']),
      ({ name, message }: Error) =>
        name === 'SettingsError' && clause.test(message) && !message.includes(SECRET),
      url,
    );
  }
});
