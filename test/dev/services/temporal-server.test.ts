import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Client, Connection } from '@temporalio/client';

import { freePort, portInUse } from '../../../dev/services/ports.ts';
import { findTemporalCli } from '../../../dev/services/temporal-cli.ts';
import { startTemporalServer, type TemporalServer } from '../../../dev/services/temporal-server.ts';
import { removeDirectory, scratchDirectory, writeScript } from './scratch.ts';

let directory: string;
let cliPath: string;
before(async () => {
  directory = await scratchDirectory();
  cliPath = (await findTemporalCli({ log: (line) => console.log(line) })).path;
});
after(() => removeDirectory(directory));

async function withClient<Result>(
  server: TemporalServer,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

test('knows its workflows after a kill -9, on the same port', async (t) => {
  const port = await freePort();
  const start = (): Promise<TemporalServer> =>
    startTemporalServer({
      cliPath,
      port,
      uiPort: false,
      dbFile: join(directory, 'new', 'temporal.db'),
      logFile: join(directory, 'kill.log'),
    });

  const first = await start();
  t.after(() => first.stop());
  assert.equal(first.address, `127.0.0.1:${port}`);
  assert.equal(first.uiUrl, undefined);
  await withClient(first, (client) =>
    client.workflow.start('nobodyRunsThis', { workflowId: 'kept', taskQueue: 'none' }),
  );

  let ended = false;
  first.onExit(() => (ended = true));
  await first.kill('SIGKILL');
  assert.equal(ended, true);
  assert.equal(await portInUse(port), false);

  const second = await start();
  t.after(() => second.stop());
  assert.notEqual(second.pid, first.pid);
  const status = await withClient(
    second,
    async (client) => (await client.workflow.getHandle('kept').describe()).status.name,
  );
  assert.equal(status, 'RUNNING');

  await second.stop();
  await second.stop();
  assert.equal(await portInUse(port), false);
});

test('takes free ports by itself and shows its UI there', async (t) => {
  const server = await startTemporalServer({ cliPath, logFile: join(directory, 'ui.log') });
  t.after(() => server.stop());
  assert.ok(server.uiUrl);
  const answer = await fetch(server.uiUrl);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /<html/i);
});

test('a port in use is an error in one sentence', async (t) => {
  const taken = await listen();
  t.after(() => taken.server.close());
  const logFile = join(directory, 'taken.log');
  await assert.rejects(startTemporalServer({ cliPath, logFile, port: taken.port }), {
    message:
      `Port ${taken.port} for the Temporal server is in use by another process: ` +
      `end that process or choose another port.`,
  });
  await assert.rejects(
    startTemporalServer({ cliPath, logFile, uiPort: taken.port }),
    new RegExp(`^Error: Port ${taken.port} for the Temporal UI is in use`),
  );
});

test('a server that does not start is an error with the end of its log, and its process has ended', async () => {
  const failing = await writeScript(join(directory, 'failing'), 'echo "unknown flag: --ip"; exit 1');
  const logFile = join(directory, 'failing.log');
  await assert.rejects(
    startTemporalServer({ cliPath: failing, logFile }),
    /^Error: The Temporal dev server ended with code 1 while it started\. The end of its log:\nunknown flag: --ip$/,
  );

  const silent = await writeScript(join(directory, 'silent'), 'echo $$; exec sleep 300');
  const silentLog = join(directory, 'silent.log');
  await assert.rejects(
    startTemporalServer({ cliPath: silent, logFile: silentLog, startLimitMs: 300 }),
    /was not ready within 0\.3 s/,
  );
  const pid = Number(await readFile(silentLog, 'utf8'));
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

async function listen(): Promise<{ server: Server; port: number }> {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, port };
}
