import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../client/program.ts';
import { temporalConfig } from '../../runtime/temporal.ts';
import { client } from '../support/client.ts';
import { databaseFor, variable } from '../support/database.ts';
import { launch, start } from '../support/processes.ts';

/** A port that nobody listens on. */
const NOBODY = '127.0.0.1:1';
const PASSWORD = 'secret-of-the-database';
const RUN = ['run', '--date', '2024-02-25'];
const YEARS = ['--from', '1999-01-01', '--to', '2024-01-01'];

/** Expects a sentence for a person and its document, with neither a stack trace nor a secret; returns the document. */
async function fails(code: number, args: string[], settings: Record<string, string>, sentence: RegExp) {
  const ended = await client([...args, '--json'], settings);
  assert.equal(ended.code, code, ended.stderr);
  assert.match(ended.stderr, sentence);
  assert.doesNotMatch(ended.stderr, /^ +at |node:internal|AggregateError/m);
  assert.doesNotMatch(ended.stdout + ended.stderr, /secret/);
  const document = JSON.parse(ended.stdout) as { error: string; faults?: string[] };
  assert.match(document.error, new RegExp(sentence, 'ms'));
  return document;
}

describe('wrong usage ends with 2', () => {
  const range = ['--from', '2024-01-01', '--to', '2024-01-02'];
  const cases: [string[], RegExp][] = [
    [['frob'], /unknown command 'frob'/],
    [['run', '--date', '2024-02-30'], /Expected a date like 2024-02-25/],
    [['run', '2024-02-25'], /too many arguments/],
    [['status', '--frob'], /unknown option '--frob'/],
    [['status', '--JSON'], /unknown option '--JSON'/],
    [['status', '--json=true'], /option '--json/],
    [['schedule', 'pause', '--note'], /Expected a text before the option --json/],
    [['backfill', ...range, '--concurrency', '101'], /whole number from 1 to 100/],
    [['backfill', ...range, '--pause', '--cancel'], /'--pause' cannot be used with option '--cancel'/],
    [['forget'], /required option '--customer <ID>' not specified/],
    [['forget', '--customer', 'Анна'], /Expected a customer id/],
    [['forget', '--customer', '1', '--customer', '9223372036854775808'], /Expected a customer id/],
    [['status', ...YEARS], /more than 20 years/],
    [['report', ...YEARS], /more than 20 years/],
    [['report', '--from', '2024-01-02', '--to', '2024-01-01'], /--from 2024-01-02 is after --to 2024-01-01/],
    [['report', '--language', 'de'], /Allowed choices are en, ru/],
    [['status', '--from', '0001-01-01', '--to', '9999-12-31'], /from 1900-01-01 to 2999-12-31/],
  ];
  for (const [args, sentence] of cases)
    test(`client ${args.join(' ')}`, async () => {
      await fails(2, args, {}, sentence);
    });

  test('no command at all: the usage, and 2', async () => {
    const { code, stdout, stderr } = await client([], {});
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /Usage: client .*Commands:.*Expected a command/s);
  });
});

test('--help of every command', async () => {
  const root = program();
  const { code, stdout, stderr } = await client(['--help'], {});
  assert.deepEqual([code, stdout, stderr], [0, root.helpInformation(), '']);
  const check = (command: Command, line: string): void => {
    const help = command.helpInformation();
    assert.match(help, new RegExp(`^Usage: ${line} `));
    if (command.commands.length === 0) assert.match(help, /--json/, `${line} takes --json`);
    for (const inner of command.commands) check(inner, `${line} ${inner.name()}`);
  };
  check(root, 'client');
});

describe('what cannot be used is a settings fault, ends with 2, and no secret is shown', () => {
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
  for (const [settings, sentence] of cases)
    test(Object.keys(settings).join(', '), async () => {
      await fails(2, RUN, settings, sentence);
    });

  test('all settings of a run are named at once', async () => {
    const settings = { REPORT_POLL_INTERVAL: 'often', MAX_REJECTED_SHARE: '7', OPTIONAL_FILES: 'x' };
    const { faults = [] } = await fails(2, RUN, settings, /3 settings cannot be used/);
    assert.deepEqual(faults.map((fault) => /^\w+/.exec(fault)?.[0]).sort(), Object.keys(settings).sort());
  });

  for (const command of ['status', 'migrate'])
    test(`no database for ${command}`, async () => {
      await fails(2, [command], {}, /DATABASE_URL is not set/);
    });

  test('a line feed at the end of TEMPORAL_API_KEY is dropped', () => {
    const { connectionOptions } = temporalConfig({ TEMPORAL_API_KEY: 'key\n', TEMPORAL_ADDRESS: '' });
    assert.equal(connectionOptions.apiKey, 'key');
    assert.equal(connectionOptions.address, 'localhost:7233');
  });
});

describe('the process', () => {
  /** With one of its outputs into a pipe that nobody reads, or onto a full disk. */
  const into = (redirection: string, args: string, env: Record<string, string> = {}) => {
    const command = `node --import ./runtime/register.js client/main.ts ${args} ${redirection}`;
    return launch('bash', ['-c', command], { env }).ended;
  };

  test('a closed pipe ends it quietly', async () => {
    const { stderr } = await into('> >(true)', 'report --help');
    assert.equal(stderr, '');
  });

  test('without a reader of its notes it goes on to its result', async (t) => {
    const { url: DATABASE_URL } = await databaseFor(t);
    const env = { DATABASE_URL, TEMPORAL_ADDRESS: NOBODY };
    const status = 'status --to 2024-03-01';
    assert.match((await client(status.split(' '), env)).stderr, /not marked as running/);
    const { code, stdout } = await into('2> >(true)', status, env);
    assert.equal(code, 0);
    assert.match(stdout, /1 day: 1 missing\./);
  });

  test('a result that cannot be written is told in a sentence', async () => {
    const { code, stderr } = await into('> /dev/full', 'frob --json');
    assert.equal(code, 2, 'of the command');
    assert.match(stderr, /The result cannot be written to standard output: .*ENOSPC/);
    assert.doesNotMatch(stderr, /^ +at |node:internal/m);
  });

  test('a command that can never end has not ended well', async () => {
    const stall = `import { createRequire } from 'node:module';
      createRequire(process.cwd() + '/')('pg').Pool.prototype.connect = () => new Promise(() => {});`;
    const { code, stdout } = await start(['client/main.ts', 'status', '--json'], {
      DATABASE_URL: 'postgres://localhost/sales',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stall)}`,
    }).ended;
    assert.equal(code, 1);
    assert.match(stdout, /ended without a result/);
  });
});

describe('something that the client needs is down: 1, and a sentence', { concurrency: true }, () => {
  const database = (address: string) => ({ DATABASE_URL: `postgresql://user:${PASSWORD}@${address}/sales` });

  test('Temporal: the document of a run without a run', async () => {
    const sentence = /^Temporal cannot be reached at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\)/;
    const document = await fails(1, RUN, { TEMPORAL_ADDRESS: NOBODY }, sentence);
    assert.deepEqual(document, {
      error: document.error,
      date: '2024-02-25',
      outcome: 'failed',
      files: {},
      workflow_id: null,
      run_id: null,
      next: null,
    });
  });

  test('Temporal: an unknown namespace', async () => {
    const TEMPORAL_ADDRESS = variable('TEMPORAL_ADDRESS');
    const settings = { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: 'nowhere' };
    await fails(1, RUN, settings, /Namespace nowhere is not found/);
  });

  for (const command of ['status', 'migrate'])
    test(`PostgreSQL: ${command}`, async () => {
      const settings = { ...database(NOBODY), TEMPORAL_ADDRESS: NOBODY };
      await fails(1, [command], settings, /^PostgreSQL cannot be reached: connect ECONNREFUSED \S+:1\.$/m);
    });

  test('PostgreSQL and Temporal that take a connection and say nothing: no endless wait', async (t) => {
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await Promise.all([
      fails(1, ['status'], database(address), /^PostgreSQL cannot be reached: .*timeout/),
      fails(1, RUN, { TEMPORAL_ADDRESS: address }, /^Temporal cannot be reached at /),
    ]);
  });

  test('a database without the schema: what to do is said', async () => {
    const settings = { DATABASE_URL: variable('TEST_POSTGRES_URL'), TEMPORAL_ADDRESS: NOBODY };
    await fails(1, ['status'], settings, /schema is missing or out of date/);
  });

  test('Temporal: the worker', async () => {
    const ended = await start(['worker.ts'], {
      REPORT_API_URL: 'http://127.0.0.1:1',
      REPORT_API_KEY: 'k',
      REPORT_API_NICKNAME: 'n',
      REPORT_API_COHORT: '1',
      TEMPORAL_ADDRESS: NOBODY,
      ...database(NOBODY),
    }).ended;
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /Temporal cannot be reached at 127\.0\.0\.1:1/);
    assert.doesNotMatch(ended.stderr, /^ +at /m);
  });
});
