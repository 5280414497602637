import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { isErrno } from '../services/errors.ts';
import { LOCALHOST } from '../services/ports.ts';

export interface LocalServer {
  url: string;
  /** Destroys every open connection, answered or not, and stops listening. */
  close(): Promise<void>;
}

/**
 * An HTTP server; port 0 takes any free one.
 * @param host in its URL; unless it is the loopback address, the server listens on every address
 */
export async function listen(
  host: string,
  port: number,
  handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  const server = createServer((req, res) => {
    req.resume();
    handle(req, res).catch(() => {
      res.destroy(); // the client has gone, or the answer cannot be finished
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host === LOCALHOST ? LOCALHOST : undefined);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!isErrno(error, 'EADDRINUSE')) throw error;
    const message = `Port ${port} on ${host} is already in use: choose another one, or 0 for any free port.`;
    throw new Error(message, { cause: error });
  }
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
