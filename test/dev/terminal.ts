import { launch, type Ended, type Running } from '../support/processes.ts';

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

  /** To its end. */
  async run(line: string): Promise<Ended> {
    return await this.type(line).ended;
  }
}
