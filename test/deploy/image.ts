import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';

/** What the Dockerfile says about its last stage. */
export interface Recipe {
  /** From where to where, both relative to the project. */
  copies: { stage: string | undefined; from: string; to: string }[];
  env: Record<string, string>;
  command: string[];
  healthcheck: string[];
  user: string;
}

export async function readRecipe(): Promise<Recipe> {
  const text = (await readFile(path.join(projectRoot, 'Dockerfile'), 'utf8'))
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '');
  const stage = text.slice(text.lastIndexOf('\nFROM ') + 1).split('\n');
  const argumentsOf = (instruction: string) =>
    stage
      .filter((line) => line.startsWith(`${instruction} `))
      .map((line) => line.slice(instruction.length + 1).trim());
  const words = (text = '') => /\[.*\]$/.exec(text)?.[0] ?? '[]';
  return {
    copies: argumentsOf('COPY').flatMap((line) => {
      const parts = line.split(/\s+/);
      const stageOf = parts[0]?.startsWith('--from=') ? parts.shift()?.slice('--from='.length) : undefined;
      const to = parts.pop() ?? '';
      return parts.map((from) => ({
        stage: stageOf,
        from: from.replace(/^\/app\//, ''),
        to: to.endsWith('/') ? path.join(to, path.basename(from)) : to,
      }));
    }),
    env: Object.fromEntries(
      argumentsOf('ENV').flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, n, v]) => [n, v])),
    ) as Record<string, string>,
    command: JSON.parse(words(argumentsOf('CMD')[0])) as string[],
    healthcheck: JSON.parse(words(argumentsOf('HEALTHCHECK')[0])) as string[],
    user: argumentsOf('USER')[0] ?? '',
  };
}

export interface Ended {
  code: number | null;
  output: string;
}

export interface Running {
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** Another user than the one who owns the files, where the test may choose. */
const NOBODY = 65_534;

/**
 * The project's folder of the image, made by hand the way the Dockerfile makes it: a production install and what is
 * copied, none of which the process that runs there may change.
 */
export class Image {
  readonly recipe: Recipe;
  /** Where the process may write. */
  readonly landingDir: string;
  readonly #root: string;
  readonly #app: string;

  private constructor(recipe: Recipe, root: string) {
    this.recipe = recipe;
    this.#root = root;
    this.#app = path.join(root, 'app');
    this.landingDir = path.join(root, 'landing');
  }

  static async make(): Promise<Image> {
    const image = new Image(await readRecipe(), await mkdtemp(path.join(tmpdir(), 'image-')));
    await image.#fill();
    return image;
  }

  async #fill(): Promise<void> {
    await mkdir(this.#app);
    await mkdir(this.landingDir);
    for (const name of ['package.json', 'package-lock.json', '.npmrc'])
      await cp(path.join(projectRoot, name), path.join(this.#app, name));
    await promisify(execFile)(
      'npm',
      ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
      { cwd: this.#app },
    );
    await rm(path.join(this.#app, 'package-lock.json'));
    await rm(path.join(this.#app, '.npmrc'));
    for (const { stage, from, to } of this.recipe.copies) {
      if (stage === 'dependencies') continue;
      await cp(path.join(projectRoot, from), path.join(this.#app, to), { recursive: true });
    }
    if (process.getuid?.() === 0) {
      await chmod(this.#root, 0o755);
      await chown(this.landingDir, NOBODY, NOBODY);
    }
    await promisify(execFile)('chmod', ['-R', 'a-w,a+rX', this.#app]);
  }

  /** Starts a command with the image's environment and these variables, and nowhere to write but LANDING_DIR. */
  start([program = '', ...args]: readonly string[], environment: Record<string, string>): Running {
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: this.#app,
      env: {
        ...this.recipe.env,
        HOME: '/nonexistent',
        TMPDIR: '/nonexistent',
        ...environment,
        LANDING_DIR: this.landingDir,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
    return {
      async says(text) {
        const deadline = Date.now() + 60_000;
        while (!output.includes(text)) {
          if (child.exitCode !== null || Date.now() > deadline)
            throw new Error(`${program} ${args.join(' ')} did not say "${text}": ${output}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
      kill: (signal) => child.kill(signal),
      ended,
    };
  }

  /** Every file of the project's folder but the packages. */
  async files(): Promise<string[]> {
    const names = await readdir(this.#app, { recursive: true });
    return names.filter((name) => !name.startsWith('node_modules/')).sort();
  }

  async remove(): Promise<void> {
    await promisify(execFile)('chmod', ['-R', 'u+w', this.#root]);
    await rm(this.#root, { recursive: true, force: true });
  }
}
