import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../runtime/project-root.ts';

type Row = Record<string, string | number>;

/** The rows of one benchmark. Each is in the file as soon as it is measured, so that a later failure loses none. */
export class Figures {
  readonly #file: string;
  readonly #rows: Row[] = [];

  constructor(name: string) {
    this.#file = path.join(projectRoot, 'var', 'bench', `${name}.json`);
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row);
    const [cpu] = cpus();
    const machine = { cpu: cpu?.model, cores: cpus().length, memory: totalmem(), node: process.version };
    await mkdir(path.dirname(this.#file), { recursive: true });
    await writeFile(this.#file, JSON.stringify({ machine, rows: this.#rows }, null, 2));
    console.error(`${Object.values(row)[0] ?? ''}: measured`);
  }

  /** As Markdown; the columns are those of the first row. */
  print(): void {
    const [first = {}] = this.#rows;
    const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
    const columns = Object.keys(first);
    console.log(line(columns));
    console.log(line(columns.map((name) => (typeof first[name] === 'number' ? '--:' : '---'))));
    for (const row of this.#rows) console.log(line(Object.values(row)));
    console.log(`\nThe same as JSON: ${path.relative(process.cwd(), this.#file)}`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** Resident now (VmRSS) or at most (VmHWM), by Linux; NaN elsewhere. */
export async function megabytesOf(pid: number | 'self', what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1_000);
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1_000;
}
