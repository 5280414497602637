import type { Socket } from 'node:net';

/**
 * Ends a connection with a TCP reset, where that is safe: a reset while a write or a shutdown is under way leaves
 * libuv with a request that never completes, and Node 20 then spins for ever in the clean-up at its exit.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting || socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}
