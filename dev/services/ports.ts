import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const LOCALHOST = '127.0.0.1';

// Outside the ranges from which systems take the source ports of outgoing connections (Linux 32768 and up,
// macOS 49152 and up). A server that is down for a restart would otherwise lose its port to any client, even
// to one that dials that very port: TCP lets a socket connect to itself. It is also why the answer of
// listen(0) is not used.
const FIRST = 20_000;
const LAST = 31_999;

const handedOut = new Set<number>();

/** An unused port of the loopback address that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (!(await portInUse(port))) return port;
  }
  throw new Error(`No free port was found between ${FIRST} and ${LAST}.`);
}

/** Whether something listens on the port, or keeps us from listening on it. */
export async function portInUse(port: number): Promise<boolean> {
  // Both questions are needed: macOS lets one bind 127.0.0.1 while another process serves the same port on
  // every address, and a port can be bound by a process that does not accept.
  return (await portAnswers(port)) || !(await canListen(port));
}

/** Whether a connection to the port is accepted. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOCALHOST, port });
    const answer = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: LOCALHOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The port wanted, or a free one; an error when another process uses it. */
export async function usablePort(purpose: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return freePort();
  // It becomes free within moments of the end of the process that used it.
  const deadline = performance.now() + 2_000;
  while (await portInUse(wanted)) {
    if (performance.now() > deadline)
      throw new Error(`Port ${wanted} for ${purpose} is in use by another process: end that process.`);
    await sleep(50);
  }
  return wanted;
}
