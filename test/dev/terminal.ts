import { launch, type Ended, type Running } from '../support/processes.ts';

/** Ends what hangs; nothing that the tests run takes so long, on a slow machine neither. */
const MAX_RUN_MS = 300_000;

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

  /** Ctrl-C, `kill('SIGINT')`, reaches all processes of the line. */
  type(line: string): Running {
    return launch('bash', ['-c', line], { directory: this.#directory, env: this.#exported, group: true });
  }

  /** To its end; after five minutes it is interrupted, as a person would. */
  async run(line: string): Promise<Ended> {
    const typed = this.type(line);
    const limit = setTimeout(() => typed.kill('SIGINT'), MAX_RUN_MS);
    return await typed.ended.finally(() => clearTimeout(limit));
  }
}
