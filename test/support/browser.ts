import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { killAtExit } from './processes.ts';
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

/** One page of a headless browser, spoken to by the DevTools protocol: messages that end with a NUL byte, on two pipes. */
export class Browser {
  /** Every event that came: method and parameters. */
  readonly events: { method: string; params: Result }[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #session: unknown;
  #lastId = 0;

  private constructor(executable: string, profile: string) {
    this.#profile = profile;
    const switches = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--no-first-run',
    ];
    this.#process = spawn(
      executable,
      [...switches, '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${profile}`],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    killAtExit(this.#process);
    let text = '';
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (text + chunk).split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.#receive(JSON.parse(message) as Message);
    });
  }

  static async start(executable: string): Promise<Browser> {
    const browser = new Browser(executable, await mkdtemp(path.join(tmpdir(), 'browser-')));
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId;
    await browser.send('Page.enable');
    return browser;
  }

  #receive({ id, method, params = {}, ...answer }: Message): void {
    if (id !== undefined) this.#waiting.get(id)?.(answer);
    else if (method !== undefined) this.events.push({ method, params });
  }

  async send(method: string, params: Result = {}): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const message = { id, method, params, sessionId: this.#session };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { error, result = {} } = await answer;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Opens an address and waits until it is loaded. */
  async open(url: string): Promise<void> {
    const before = this.events.length;
    await this.send('Page.navigate', { url });
    while (!this.events.slice(before).some(({ method }) => method === 'Page.loadEventFired'))
      await new Promise((resolve) => setTimeout(resolve, 20));
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
    const mobile = width < 600;
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
  }

  /** Presses and releases a key. */
  async press(key: string, windowsVirtualKeyCode: number, text?: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp'])
      await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode, text });
  }

  /** What the window shows, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot');
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
