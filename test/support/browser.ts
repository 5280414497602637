import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'undici';
import { startService, untilReady } from '../../dev/services/child-process.ts';
import { findProgram } from './programs.ts';

/** CHROMIUM, or the first Chromium or Chrome on the PATH. */
export function findBrowser(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.map(findProgram).find((program) => program !== undefined);
}

type Result = Record<string, unknown>;

interface Message {
  id?: number;
  method?: string;
  params?: Result;
  result?: Result;
  error?: { message: string };
}

/** One page of a headless browser, spoken to by the DevTools protocol. */
export class Browser {
  /** Every event that came: method and parameters. */
  readonly events: { method: string; params: Result }[] = [];
  readonly #socket: WebSocket;
  readonly #close: () => Promise<void>;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket, close: () => Promise<void>) {
    this.#socket = socket;
    this.#close = close;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      else if (message.method) this.events.push({ method: message.method, params: message.params ?? {} });
    });
  }

  static async start(executable: string): Promise<Browser> {
    const profile = await mkdtemp(path.join(tmpdir(), 'browser-'));
    const service = await startService({
      name: 'The browser',
      command: executable,
      args: [
        ...['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run'],
        ...[
          '--disable-dev-shm-usage',
          '--remote-debugging-port=0',
          `--user-data-dir=${profile}`,
          'about:blank',
        ],
      ],
      logFile: path.join(profile, 'log'),
    });
    const close = async () => {
      await service.stop(0);
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    };
    try {
      let address = '';
      await untilReady(service, 'the browser', 120_000, async () => {
        address = /DevTools listening on (ws:\S+)/.exec(await service.lastLines(200))?.[1] ?? '';
        return address !== '';
      });
      const targets = (await (await fetch(`http://${new URL(address).host}/json/list`)).json()) as {
        type: string;
        webSocketDebuggerUrl: string;
      }[];
      const page = targets.find(({ type }) => type === 'page');
      if (!page) throw new Error(`${executable} has no page.`);
      const socket = new WebSocket(page.webSocketDebuggerUrl);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', reject);
      });
      return new Browser(socket, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  async send(method: string, params: Result = {}): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { error, result } = await answer;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** Opens an address and waits until it is loaded. */
  async open(url: string): Promise<void> {
    await this.send('Page.enable');
    const before = this.events.length;
    await this.send('Page.navigate', { url });
    while (!this.events.slice(before).some(({ method }) => method === 'Page.loadEventFired')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  }

  async size(width: number, height = 900): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
  }

  /** Presses and releases a key. */
  async press(key: string, windowsVirtualKeyCode: number, text?: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp'])
      await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode, text });
  }

  /** What the window shows, or the whole page, as PNG. */
  async screenshot({ wholePage = false } = {}): Promise<Buffer> {
    const [width, height] = (await this.evaluate(
      `[innerWidth, ${wholePage ? 'document.documentElement.scrollHeight' : 'innerHeight'}]`,
    )) as [number, number];
    const { data } = await this.send('Page.captureScreenshot', {
      captureBeyondViewport: wholePage,
      clip: { x: 0, y: 0, width, height, scale: 1 },
    });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#close();
  }
}
