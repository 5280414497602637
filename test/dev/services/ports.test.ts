import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';

import { freePort, portBecomesFree, portInUse } from '../../../dev/services/ports.ts';

test('a port is in use while a process listens, also on all addresses, and free afterwards', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.equal(await portInUse(port), true, host);
    assert.equal(await portBecomesFree(port, 100), false, host);
    server.close();
    assert.equal(await portBecomesFree(port, 1000), true, host);
  }
});

test('free ports are never handed out twice, and none is in the range of source ports', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  assert.equal(new Set(ports).size, 50);
  assert.ok(ports.every((port) => port >= 20_000 && port < 32_000));
});
