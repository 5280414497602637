import { AsyncLocalStorage } from 'node:async_hooks';
import { program, reportFailure } from '../../client/program.ts';
import { documentName } from './client-documents.ts';
import { untilSaid, type Ended, type Running } from './processes.ts';

interface Call {
  env: Record<string, string>;
  stdout: string;
  stderr: string;
}

/** The command line that the code runs for: each has settings and output of its own, as if it were a process. */
const calls = new AsyncLocalStorage<Call>();
const { env } = process;
Object.defineProperty(process, 'env', { get: () => calls.getStore()?.env ?? env });
for (const output of ['stdout', 'stderr'] as const) {
  const stream = process[output];
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    const call = calls.getStore();
    if (!call) return write(...args);
    call[output] += String(args[0]);
    return true;
  };
}

/** Starts a client command in this process, with no settings but these. A document is checked against its schema. */
export function startClient(
  args: readonly string[],
  settings: Record<string, string>,
): Pick<Running, 'output' | 'says' | 'ended'> {
  const call: Call = { env: { ...settings }, stdout: '', stderr: '' };
  const output = () => call.stdout + call.stderr;
  let hasEnded = false;
  const run = async (): Promise<Ended> => {
    const code = await program()
      .parseAsync(args, { from: 'user' })
      .then(() => 0)
      .catch((error: unknown) => reportFailure(error, args));
    hasEnded = true;
    const { stdout, stderr } = call;
    if (args.some((argument) => /^--json/i.test(argument))) documentName(args, stdout);
    return { code, stdout, stderr };
  };
  return {
    output,
    says: (text, withinMs) => untilSaid(text, output, () => hasEnded, withinMs),
    ended: calls.run(call, run),
  };
}

/** Runs a client command to its end. */
export async function client(args: readonly string[], settings: Record<string, string>): Promise<Ended> {
  return await startClient(args, settings).ended;
}

/** The document of a command that ends well. */
export async function documentOf<T>(line: string, settings: Record<string, string>): Promise<T> {
  const { code, stdout, stderr } = await client([...line.split(' '), '--json'], settings);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
