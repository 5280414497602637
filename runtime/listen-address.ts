import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SettingsError, type SettingName } from './settings.ts';

export interface ListenAddress {
  /** An IP address: not everything that listens resolves names. */
  host: string;
  port: number;
}

/**
 * The address of a setting such as `localhost:9464` or `[::1]:9464`, which this process is about to listen on. Throws
 * `SettingsError` when it cannot: the host is unknown or another machine's, or the port is taken.
 */
export async function listenAddress(name: SettingName, address: string): Promise<ListenAddress> {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  try {
    const { address: host } = await lookup(address.slice(0, colon).replace(/^\[|\]$/g, ''));
    await tryToListen(host, port);
    return { host, port };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'something listens there already' : message;
    throw new SettingsError([`${name} ${address} cannot be used: ${reason}. Choose another address.`]);
  }
}

export function format({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function tryToListen(host: string, port: number): Promise<void> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  await once(server.close(), 'close');
}
