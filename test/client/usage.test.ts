import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../client/program.ts';
import { temporalConfig } from '../../runtime/temporal.ts';
import { variable } from '../support/database.ts';
import { client, launch, start, type Ended } from '../support/processes.ts';
import { failed, UNSET } from './failed.ts';
import { kill } from './harness.ts';

/** A port that nobody listens on. */
const NOBODY = '127.0.0.1:1';
const PASSWORD = 'pw-of-the-database';

function errorOf({ stdout }: Ended): string {
  const document = JSON.parse(stdout) as { error: string };
  assert.equal(typeof document.error, 'string');
  return document.error;
}

/** A sentence for a person, not a stack trace. */
function assertClear({ stderr }: Ended, sentence: RegExp): void {
  assert.match(stderr, sentence);
  assert.doesNotMatch(stderr, /^ +at |node:internal|AggregateError/m);
  assert.doesNotMatch(stderr, new RegExp(PASSWORD));
}

describe('wrong usage ends with 2', () => {
  const cases: [string[], RegExp][] = [
    [['frob'], /unknown command 'frob'/],
    [['run', '--date', '2024-02-30'], /Expected a date like 2024-02-25/],
    [['run', '2024-02-25'], /too many arguments/],
    [['status', '--frob'], /unknown option '--frob'/],
    [['schedule', 'pause', '--note'], /Expected a text before the option --json/],
    [
      ['backfill', '--from', '2024-01-01', '--to', '2024-01-02', '--concurrency', '101'],
      /whole number from 1 to 100/,
    ],
    [['forget'], /required option '--customer <ID>' not specified/],
    [['forget', '--customer', 'Анна'], /Expected a customer id/],
    [['forget', '--customer', '1', '--customer', '9223372036854775808'], /Expected a customer id/],
    [['status', '--from', '1999-01-01', '--to', '2024-01-01'], /more than 20 years/],
    [['report', '--from', '2024-01-02', '--to', '2024-01-01'], /--from 2024-01-02 is after --to 2024-01-01/],
    [
      ['backfill', '--from', '2024-01-01', '--to', '2024-01-02', '--pause', '--cancel'],
      /'--pause' cannot be used with option '--cancel'/,
    ],
    [['status', '--from', '0001-01-01', '--to', '9999-12-31'], /from 1900-01-01 to 2999-12-31/],
  ];
  for (const [args, sentence] of cases) {
    test(`client ${args.join(' ')}`, async () => {
      const { exitCode, message, document } = await failed(args);
      assert.equal(exitCode, 2, message);
      assert.match(message, sentence);
      assert.match((document as { error: string }).error, sentence);
    });
  }

  test('a process prints the sentence and its document', async () => {
    const ended = await client(['frob', '--json'], UNSET);
    assert.equal(ended.code, 2, ended.stderr);
    assertClear(ended, /unknown command 'frob'/);
    assert.match(errorOf(ended), /unknown command 'frob'/);
  });
});

describe('wrong settings end with 2, all named at once', () => {
  test('of a run', async () => {
    const env = {
      REPORT_POLL_INTERVAL: 'often',
      MAX_REJECTED_SHARE: '7',
      OPTIONAL_FILES: 'x,price_log_inc',
    };
    const { exitCode, message, document } = await failed(['run', '--date', '2024-02-25'], env);
    assert.equal(exitCode, 2);
    const { faults } = document as { faults: string[] };
    assert.equal(faults.length, 3, message);
    for (const name of Object.keys(env)) {
      assert.ok(faults.some((fault) => fault.startsWith(name)) && message.includes(name), name);
    }
    assert.match(message, /3 settings cannot be used/);
  });

  for (const command of ['status', 'migrate']) {
    test(`no database for ${command}`, async () => {
      const { exitCode, message } = await failed([command]);
      assert.equal(exitCode, 2, message);
      assert.match(message, /DATABASE_URL is not set/);
    });
  }
});

test('--help of every command', async () => {
  const root = program();
  const { code, stdout, stderr } = await client(['--help'], UNSET);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, root.helpInformation());
  const names = root.commands.map((command) => command.name());
  for (const name of ['migrate', 'run', 'status']) assert.ok(names.includes(name), name);
  const check = (command: Command, line: string): void => {
    const help = command.helpInformation();
    assert.match(help, new RegExp(`^Usage: ${line} `));
    if (command.commands.length === 0) assert.match(help, /--json/, `${line} takes --json`);
    for (const inner of command.commands) check(inner, `${line} ${inner.name()}`);
  };
  check(root, 'client');
});

test('no command at all: the usage, and 2', async () => {
  const { code, stdout, stderr } = await client([], UNSET);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /Usage: client .*Commands:.*Expected a command/s);
});

describe('the connection to Temporal: what it would refuse is a settings fault, and no secret is shown', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ TEMPORAL_API_KEY: 'secret-\u043a\u043b\u044e\u0447' }, /TEMPORAL_API_KEY must be printable ASCII/],
    [{ TEMPORAL_API_KEY: 'secret\nsecret' }, /TEMPORAL_API_KEY must be printable ASCII/],
    [{ TEMPORAL_GRPC_META_X: 'secret\nsecret' }, /TEMPORAL_GRPC_META \(x\) must be printable ASCII/],
    [{ TEMPORAL_ADDRESS: 'https://user:secret@host:7233' }, /TEMPORAL_ADDRESS must be a host and a port/],
    [{ TEMPORAL_ADDRESS: 'localhost:99999' }, /TEMPORAL_ADDRESS must be a host and a port/],
    [{ TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere.pem' }, /TEMPORAL_.*\/nowhere\.pem/],
    [{ TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'secret' }, /TEMPORAL_TLS_…: a certificate or key cannot be used/],
    [{ TEMPORAL_TASK_QUEUE: 'q'.repeat(600) }, /TEMPORAL_TASK_QUEUE must be at most 500 bytes/],
    [{ REPORT_TIMEOUT: '9999d', TEMPORAL_ADDRESS: 'x y' }, /2 settings .*REPORT_TIMEOUT.*TEMPORAL_ADDRESS/s],
  ];
  for (const [settings, sentence] of cases) {
    test(Object.keys(settings).join(', '), async () => {
      const { exitCode, message, document } = await failed(['run', '--date', '2024-02-25'], settings);
      assert.equal(exitCode, 2, message);
      assert.match(message, sentence);
      assert.doesNotMatch(message + JSON.stringify(document), /secret/);
    });
  }

  test('a line feed at the end of TEMPORAL_API_KEY is dropped', () => {
    const { connectionOptions } = temporalConfig({ TEMPORAL_API_KEY: 'key\n', TEMPORAL_ADDRESS: '' });
    assert.equal(connectionOptions.apiKey, 'key');
    assert.equal(connectionOptions.address, 'localhost:7233');
  });
});

test('--JSON is no option; its document says so', async () => {
  for (const option of ['--JSON', '--json=true']) {
    const ended = await client(['status', option], UNSET);
    assert.equal(ended.code, 2);
    assert.match(errorOf(ended), /option/);
  }
});

test('a result that cannot be written ends with 1, in a sentence', async () => {
  const command = 'node --import ./runtime/register.js client/main.ts frob --json > /dev/full';
  const { code, stderr } = await launch('bash', ['-c', command]).ended;
  assert.equal(code, 2, 'of the command');
  assert.match(stderr, /The result cannot be written to standard output: .*ENOSPC/);
  assert.doesNotMatch(stderr, /^ +at |node:internal/m);
});

describe('a closed pipe ends the client quietly', { concurrency: 4 }, () => {
  for (const args of ['status --from 2000-01-01 --to 2019-12-31 --json', 'report --help', 'frob --json'])
    test(`standard output of ${args}`, async () => {
      const env = { ...UNSET, DATABASE_URL: variable('TEST_POSTGRES_URL'), TEMPORAL_ADDRESS: NOBODY };
      const { stderr } = await pipedInto('true', args, env);
      assert.doesNotMatch(stderr, /EPIPE|^ +at /m);
    });

  test('without a reader of its notes it goes on to its result', async () => {
    const env = { ...UNSET, TEMPORAL_ADDRESS: NOBODY };
    const { stdout } = await pipedInto('true', 'run --date 2024-02-25 --json', env, '2');
    assert.match(stdout, /"outcome": "failed"/);
  });
});

/** A shell's pipe from one of the client's outputs into a program that reads nothing. */
async function pipedInto(
  reader: string,
  args: string,
  env: Record<string, string>,
  output = '1',
): Promise<Ended> {
  const command = `node --import ./runtime/register.js client/main.ts ${args} ${output}> >(${reader})`;
  return await launch('bash', ['-c', command], { env }).ended;
}

test('a command that can never end has not ended well', async () => {
  const stall = `import { createRequire } from 'node:module';
    createRequire(process.cwd() + '/')('pg').Pool.prototype.connect = () => new Promise(() => {});`;
  const ended = await client(['status', '--json'], {
    ...UNSET,
    DATABASE_URL: 'postgres://localhost/sales',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stall)}`,
  });
  assert.equal(ended.code, 1);
  assert.match(errorOf(ended), /ended without a result/);
});

describe('something that the client needs is down', { concurrency: 4 }, () => {
  const database = (address: string) => `postgresql://user:${PASSWORD}@${address}/sales`;

  test('Temporal: run ends with 1, its sentence and its document', async () => {
    const ended = await client(['run', '--date', '2024-02-25', '--json'], {
      ...UNSET,
      TEMPORAL_ADDRESS: NOBODY,
    });
    assert.equal(ended.code, 1);
    assertClear(ended, /^Temporal cannot be reached at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\)/);
    const { error, ...document } = JSON.parse(ended.stdout) as { error: string };
    assert.match(error, /Temporal cannot be reached/);
    assert.deepEqual(document, {
      date: '2024-02-25',
      outcome: 'failed',
      files: {},
      workflow_id: null,
      run_id: null,
      next: null,
    });
  });

  test('Temporal: the worker ends with 1 and a sentence', async () => {
    const env = {
      ...{
        REPORT_API_URL: 'http://127.0.0.1:1',
        REPORT_API_KEY: 'k',
        REPORT_API_NICKNAME: 'n',
        REPORT_API_COHORT: '1',
      },
      ...{ DATABASE_URL: database(NOBODY), TEMPORAL_ADDRESS: NOBODY },
    };
    const ended = await start(['worker.ts'], env).ended;
    assert.equal(ended.code, 1);
    assertClear(ended, /Temporal cannot be reached at 127\.0\.0\.1:1/);
  });

  test('Temporal: an unknown namespace is told', async () => {
    const env = { ...UNSET, TEMPORAL_ADDRESS: variable('TEMPORAL_ADDRESS'), TEMPORAL_NAMESPACE: 'nowhere' };
    const ended = await client(['run', '--date', '2024-02-25', '--json'], env);
    assert.equal(ended.code, 1);
    assertClear(ended, /Namespace nowhere is not found/);
  });

  for (const command of ['status', 'migrate']) {
    test(`PostgreSQL: ${command} ends with 1 and a sentence without the password`, async () => {
      const env = { DATABASE_URL: database(NOBODY), TEMPORAL_ADDRESS: NOBODY };
      const ended = await client([command, '--json'], env);
      assert.equal(ended.code, 1);
      assertClear(ended, /^PostgreSQL cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1\.$/m);
      assert.match(errorOf(ended), /PostgreSQL cannot be reached/);
    });
  }

  test('PostgreSQL and Temporal that take a connection and say nothing: no endless wait', async (t) => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const status = start(['client/main.ts', 'status', '--json'], { DATABASE_URL: database(address) });
    const run = start(['client/main.ts', 'run', '--date', '2024-02-25', '--json'], {
      ...UNSET,
      TEMPORAL_ADDRESS: address,
    });
    const limit = setTimeout(() => void Promise.all([kill(status), kill(run)]), 240_000);
    const [ofStatus, ofRun] = await Promise.all([status.ended, run.ended]);
    clearTimeout(limit);
    assert.deepEqual([ofStatus.code, ofRun.code], [1, 1], ofStatus.stderr + ofRun.stderr);
    assertClear(ofStatus, /^PostgreSQL cannot be reached: .*timeout/);
    assertClear(ofRun, /^Temporal cannot be reached at /);
  });

  test('a database without the schema: what to do is said', async () => {
    const env = { DATABASE_URL: variable('TEST_POSTGRES_URL'), TEMPORAL_ADDRESS: NOBODY };
    const ended = await client(['status', '--json'], env);
    assert.equal(ended.code, 1);
    assertClear(ended, /schema is missing or out of date/);
  });
});
