import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ListenAddress } from './listen-address.ts';

/** `/healthz`: the process lives; `/readyz`: it polls and its database answers, so it should be given work. */
export async function serveHealth(
  { host, port }: ListenAddress,
  isReady: () => Promise<boolean>,
): Promise<void> {
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
  await once(server.listen(port, host), 'listening');
}
