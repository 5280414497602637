import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAtExit, type Ended } from '../support/processes.ts';

/** Ends what hangs; nothing that the tests run takes so long, on a slow machine neither. */
const MAX_RUN_MS = 300_000;

export interface Typed {
  output(): string;
  /** Waits until the output holds the text; throws when the command ends before. */
  says(text: string): Promise<void>;
  /** Ctrl-C, which reaches all processes of the line. */
  interrupt(): void;
  ended: Promise<Ended>;
}

/** Runs lines as a person types them: in a folder, with what was exported before. */
export class Terminal {
  readonly #directory: string;
  readonly #exported: Record<string, string> = {};

  constructor(directory: string, exported: Record<string, string> = {}) {
    this.#directory = directory;
    this.export(exported);
  }

  export(variables: Record<string, string>): void {
    Object.assign(this.#exported, variables);
  }

  type(line: string): Typed {
    const child = spawn('bash', ['-c', line], {
      cwd: this.#directory,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#exported },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    killAtExit(child, { group: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const output = () => stdout + stderr;
    return {
      output,
      async says(text) {
        const deadline = Date.now() + MAX_RUN_MS;
        while (!output().includes(text)) {
          if (child.exitCode !== null || Date.now() > deadline)
            throw new Error(`"${line}" did not say "${text}": ${output()}`);
          await sleep(50);
        }
      },
      interrupt() {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
      },
      ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })),
    };
  }

  /** To its end; after five minutes it is interrupted, as a person would. */
  async run(line: string): Promise<Ended> {
    const typed = this.type(line);
    const limit = setTimeout(() => typed.interrupt(), MAX_RUN_MS);
    return await typed.ended.finally(() => clearTimeout(limit));
  }
}
