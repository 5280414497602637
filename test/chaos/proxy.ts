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
  /** In what a client sends; a statement's SQL, for instance. */
  text: string;
  fault: AimedFault;
  /** What the same client must have sent earlier in its transaction. */
  after?: string;
  /** So many occurrences pass first. */
  skip?: number;
  /** The fault falls only when so many further bytes have passed, in the middle of a COPY for instance. */
  bytesLater?: number;
}

const STATEMENT_BYTES = 2_048;

interface Armed extends Aim {
  left: number;
  hit: (pair: Pair) => void;
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

  private constructor(target: { host: string; port: number }) {
    this.#server = createServer((client) => {
      client.on('error', () => undefined);
      if (!this.accepting) resetSocket(client);
      else if (this.delayMs === 0) this.#join(client, target);
      else setTimeout(() => this.#join(client, target), this.delayMs);
    });
  }

  #join(client: Socket, target: { host: string; port: number }): void {
    const pair = new Pair(client, connect(target), this);
    this.#pairs.add(pair);
    client.once('close', () => {
      // The server's half of a frozen one stays, and is ours to end.
      if (!pair.isFrozen) this.#pairs.delete(pair);
    });
    if (this.silent) pair.freeze();
  }

  static async start(target: { host: string; port: number }): Promise<Proxy> {
    const proxy = new Proxy(target);
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
  aim(aim: Aim): Promise<Pair> {
    return new Promise((hit) => this.#armed.push({ ...aim, left: aim.skip ?? 0, hit }));
  }

  disarm(): void {
    this.#armed = [];
  }

  /** The aim that is met by this text in a transaction that has sent `sent`. */
  take(text: string, sent: string): Armed | undefined {
    const met = this.#armed.find((aim) => text.includes(aim.text) && sent.includes(aim.after ?? ''));
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
  /** The fault of this connection, and the bytes that pass before it. */
  #fallen: { armed: Armed; bytes: number } | undefined;
  #frozen = false;
  /** The beginnings of what the client has sent since its transaction began. */
  #sent = '';

  constructor(client: Socket, server: Socket, proxy: Proxy) {
    this.#client = client.setNoDelay();
    this.#server = server.setNoDelay();
    this.#proxy = proxy;
    for (const socket of [client, server]) {
      // A frozen one hears nothing of the end of the other side.
      for (const event of ['error', 'close']) {
        socket.on(event, () => {
          if (!this.#frozen) this.cut();
        });
      }
    }
    client.on('data', (chunk) => this.#fromClient(chunk));
    server.on('data', (chunk) => this.#fromServer(chunk));
    client.on('drain', () => server.resume());
    server.on('drain', () => client.resume());
    const endUnlessFrozen = (other: Socket) => () => {
      if (!this.#frozen) other.end();
    };
    client.on('end', endUnlessFrozen(server));
    server.on('end', endUnlessFrozen(client));
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
    if (!this.#fallen) {
      const text = chunk.toString('latin1');
      this.#sent = (text.includes('begin isolation') ? '' : this.#sent) + text.slice(0, STATEMENT_BYTES);
      const armed = this.#proxy.take(text, this.#sent);
      if (armed) this.#fallen = { armed, bytes: armed.bytesLater ?? 0 };
    }
    if (!this.#fallen) {
      this.#pass(chunk, this.#client, this.#server);
      return;
    }
    const { armed, bytes } = this.#fallen;
    if (bytes >= chunk.length) {
      this.#fallen.bytes -= chunk.length;
      this.#pass(chunk, this.#client, this.#server);
    } else if (armed.fault === 'cut after' || armed.fault === 'freeze after') {
      this.#pass(chunk, this.#client, this.#server);
    } else {
      if (bytes > 0) this.#server.write(chunk.subarray(0, bytes));
      if (armed.fault === 'cut before') this.cut();
      else this.freeze();
      armed.hit(this);
    }
  }

  #fromServer(chunk: Buffer): void {
    if (this.#frozen) return;
    const fault = this.#fallen?.armed.fault;
    if (fault !== 'cut after' && fault !== 'freeze after') {
      this.#pass(chunk, this.#server, this.#client);
      return;
    }
    if (fault === 'cut after') this.cut();
    else this.freeze();
    this.#fallen?.armed.hit(this);
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (!to.write(chunk)) from.pause();
  }
}
