import { createServer, type Server } from 'node:http';

export interface Health {
  /** False ends in 503: this process should be given work. */
  isReady: () => Promise<boolean>;
}

/** `/healthz`: the process lives; `/readyz`: it polls and its database answers. Undefined address: no server. */
export async function serveHealth(
  address: string | undefined,
  { isReady }: Health,
): Promise<() => Promise<void>> {
  if (address === undefined) return () => Promise.resolve();
  const { host, port } = splitAddress(address);
  const server = createServer((request, response) => {
    const answer = (status: number, text: string) =>
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
    if (request.url === '/healthz') answer(200, 'ok');
    else if (request.url === '/readyz') {
      isReady().then(
        (ready) => (ready ? answer(200, 'ready') : answer(503, 'not ready')),
        () => answer(503, 'not ready'),
      );
    } else answer(404, 'try /healthz or /readyz');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`HEALTH_ADDRESS ${address} cannot be used: ${error.message}.`)),
    );
    server.listen(port, host, resolve);
  });
  return () => close(server);
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
