import { createServer, type Server } from 'node:http';
import type { ListenAddress } from './listen-address.ts';

export interface Health {
  /** False ends in 503: this process should be given work. */
  isReady: () => Promise<boolean>;
}

/** `/healthz`: the process lives; `/readyz`: it polls and its database answers. Undefined address: no server. */
export async function serveHealth(
  address: ListenAddress | undefined,
  { isReady }: Health,
): Promise<() => Promise<void>> {
  if (address === undefined) return () => Promise.resolve();
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
    server.once('error', reject).listen(address.port, address.host, resolve);
  });
  return () => close(server);
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
