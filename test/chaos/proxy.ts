import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../dev/services/reset-socket.ts';

/** What happens to a connection when a client sends the text that is aimed at. */
export type AimedFault =
  /** The text does not reach the server, and both sides are reset. */
  | 'cut before'
  /** The text reaches the server; when its answer comes, both sides are reset instead. */
  | 'cut after'
  /** The text does not reach the server, nothing passes any more, and the sockets stay open. */
  | 'freeze before'
  /** The text reaches the server, its answer and everything later do not pass, and the sockets stay open. */
  | 'freeze after';

export interface Aim {
  /** In what a client sends; a statement's SQL, for instance. Empty: in all of it. */
  text: string;
  fault: AimedFault;
  /** So many occurrences pass first. */
  skip?: number;
}

interface Armed extends Aim {
  left: number;
  hit: () => void;
}

/** A TCP proxy on the loopback address that cuts, freezes or refuses connections, at once or where it is aimed. */
export class Proxy {
  /** False: new connections are reset. */
  accepting = true;
  /** How long a new connection takes to reach the server. */
  delayMs = 0;
  /** True: new connections are accepted and never hear anything. */
  silent = false;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #armed: Armed[] = [];

  private constructor({ hostname: host, port }: URL) {
    const join = (client: Socket) => {
      const pair = new Pair(client, connect({ host, port: Number(port) }), this);
      this.#pairs.add(pair);
      client.once('close', () => {
        // The server's half of a frozen one stays, and is ours to end.
        if (!pair.isFrozen) this.#pairs.delete(pair);
      });
      if (this.silent) pair.freeze();
    };
    this.#server = createServer((client) => {
      client.on('error', () => undefined);
      if (!this.accepting) resetSocket(client);
      else if (this.delayMs === 0) join(client);
      else setTimeout(join, this.delayMs, client);
    });
  }

  /** Before the server of this URL. */
  static async start(url: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The same database through the proxy. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = '127.0.0.1';
    proxied.port = String(this.port);
    return proxied.href;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  cut(): void {
    for (const pair of this.#pairs) pair.cut();
  }

  /** For good: what is frozen can only be cut. */
  freeze(): void {
    for (const pair of this.#pairs) pair.freeze();
  }

  /** Once, for the first client that sends the text; resolves when it has happened. */
  aim(aim: Aim): Promise<void> {
    return new Promise((hit) => this.#armed.push({ ...aim, left: aim.skip ?? 0, hit }));
  }

  disarm(): void {
    this.#armed = [];
  }

  /** The aim that is met by what a client sends. */
  take(chunk: Buffer): Armed | undefined {
    const met = this.#armed.find(({ text }) => chunk.includes(text));
    if (!met || met.left-- > 0) return undefined;
    this.#armed.splice(this.#armed.indexOf(met), 1);
    return met;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }
}

/** A client's connection and the one to the server that belongs to it. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #proxy: Proxy;
  #armed: Armed | undefined;
  #frozen = false;

  constructor(client: Socket, server: Socket, proxy: Proxy) {
    this.#client = client.setNoDelay();
    this.#server = server.setNoDelay();
    this.#proxy = proxy;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('drain', () => other.resume());
      // A frozen one hears nothing of the end of the other side.
      for (const event of ['error', 'close']) {
        socket.on(event, () => {
          if (!this.#frozen) this.cut();
        });
      }
      socket.on('end', () => {
        if (!this.#frozen) other.end();
      });
    }
    client.on('data', (chunk) => this.#fromClient(chunk));
    server.on('data', (chunk) => this.#fromServer(chunk));
  }

  get isFrozen(): boolean {
    return this.#frozen;
  }

  cut(): void {
    for (const socket of [this.#client, this.#server]) resetSocket(socket);
  }

  freeze(): void {
    this.#frozen = true;
    this.#client.pause();
    this.#server.pause();
  }

  #fromClient(chunk: Buffer): void {
    if (this.#frozen) return;
    this.#armed ??= this.#proxy.take(chunk);
    if (this.#armed?.fault.endsWith('before')) this.#fall(this.#armed);
    else if (!this.#server.write(chunk)) this.#client.pause();
  }

  #fromServer(chunk: Buffer): void {
    if (this.#frozen) return;
    if (this.#armed) this.#fall(this.#armed);
    else if (!this.#client.write(chunk)) this.#server.pause();
  }

  #fall({ fault, hit }: Armed): void {
    if (fault.startsWith('cut')) this.cut();
    else this.freeze();
    hit();
  }
}
