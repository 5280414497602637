import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { format, listenAddress } from '../../runtime/listen-address.ts';
import { readSettings, type SettingName, SettingsError } from '../../runtime/settings.ts';

/** What is wrong with a setting; empty when it is taken. */
function faultOf(env: Record<string, string>, name: SettingName): string {
  try {
    readSettings(env, [name]);
    return '';
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message;
  }
}

describe('a value that what uses it would refuse is a settings fault (contract, ruling 22)', () => {
  const refused: [SettingName, string, RegExp][] = [
    ['SCHEDULE_TIME_ZONE', 'europe/moscow', /SCHEDULE_TIME_ZONE must be written Europe\/Moscow/],
    ['SCHEDULE_TIME_ZONE', 'gmt', /SCHEDULE_TIME_ZONE must be/],
    ['SCHEDULE_TIME_ZONE', '+03:00', /SCHEDULE_TIME_ZONE must be/],
    ['SCHEDULE_TIME_ZONE', 'Moscow', /SCHEDULE_TIME_ZONE must be an IANA time zone/],
    [
      'REPORT_API_URL',
      'http://user:pass@host',
      /REPORT_API_URL must hold no user or password.*http:\/\/\*\*\*@host/,
    ],
    ['REPORT_API_URL', 'http://host/?tenant=7', /REPORT_API_URL must have no query/],
    ['REPORT_API_URL', 'ftp://u:secret@host', /REPORT_API_URL must be an http/],
    ['TEMPORAL_UI_URL', 'http://user:secret@host', /TEMPORAL_UI_URL must hold no user or password/],
    ['TEMPORAL_DEPLOYMENT_NAME', 'sales.increment', /TEMPORAL_DEPLOYMENT_NAME must not contain \. or :/],
    ['TEMPORAL_DEPLOYMENT_NAME', '__sales', /TEMPORAL_DEPLOYMENT_NAME must not .* begin with __/],
    ['TEMPORAL_WORKER_BUILD_ID', 'b'.repeat(256), /TEMPORAL_WORKER_BUILD_ID must be at most 255 bytes/],
    ['TEMPORAL_TASK_QUEUE', '/_sys/queue', /TEMPORAL_TASK_QUEUE must not begin with \/_sys\//],
    ['REPORT_TIMEOUT', '9999d', /REPORT_TIMEOUT must be from 1ms to 366d/],
    ['DOWNLOAD_IDLE_TIMEOUT', '30d', /DOWNLOAD_IDLE_TIMEOUT must be from 1ms to 1h/],
    ['LANDING_RETENTION', '1ms', /LANDING_RETENTION must be from 1s to 366d/],
    ['SCHEDULE_CATCHUP_WINDOW', '1d', /SCHEDULE_CATCHUP_WINDOW must be from 7d/],
    ['VOLUME_ALERT_SHARE', '50%', /VOLUME_ALERT_SHARE must be a number from 0 to 1/],
  ];
  for (const [name, value, message] of refused) {
    test(`${name}=${value}`, () => {
      const fault = faultOf({ [name]: value }, name);
      assert.match(fault, message);
      assert.doesNotMatch(fault, /pass@|secret/);
    });
  }

  test('any zone of the IANA database is taken', () => {
    for (const zone of 'UTC Europe/Moscow Asia/Kolkata US/Pacific America/Argentina/Buenos_Aires'.split(' '))
      assert.equal(faultOf({ SCHEDULE_TIME_ZONE: zone }, 'SCHEDULE_TIME_ZONE'), '');
  });
});

test('the address of the report API is taken so that the names of its calls can be added', () => {
  for (const value of ['http://host/api', ' http://host/api \n', 'http://host/api?', 'http://host/api#']) {
    const { REPORT_API_URL } = readSettings({ REPORT_API_URL: value }, ['REPORT_API_URL']);
    assert.equal(REPORT_API_URL, 'http://host/api');
  }
});

test('the PG* variables that pg takes for what DATABASE_URL leaves open are checked, and no others', () => {
  const named = {
    DATABASE_URL: 'postgres://user@host:5432/db',
    PGPORT: 'tcp://10.0.0.1:5432',
    PGHOST: 'a,b',
  };
  for (const [env, message] of [
    [{ PGHOST: 'host', PGPORT: 'abc' }, /PGPORT must be a port from 1 to 65535, but is "abc"/],
    [{ DATABASE_URL: 'postgres://user@host/db', PGPORT: '99999' }, /PGPORT must be a port/],
    [{ PGHOST: 'one,two' }, /PGHOST must name one host/],
    [named, /^$/],
    [{ PGHOST: 'host', PGPORT: ' 5432\n' }, /^$/],
  ] as const)
    assert.match(faultOf(env, 'DATABASE_URL'), message);
});

test('an address to listen on may be a name, and becomes what a socket takes; one that is taken or unknown is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(
    listenAddress('METRICS_ADDRESS', `127.0.0.1:${port}`),
    /METRICS_ADDRESS 127\.0\.0\.1:\d+ cannot be used: something listens there already/,
  );
  taken.close();
  await once(taken, 'close');
  const free = await listenAddress('METRICS_ADDRESS', `localhost:${port}`);
  assert.match(format(free), /^(127\.0\.0\.1|\[::1\]):\d+$/);
  const unknown = listenAddress('HEALTH_ADDRESS', 'no-such-host.invalid:80');
  await assert.rejects(unknown, /HEALTH_ADDRESS .* cannot be used/);
});
