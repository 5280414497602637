import { execFile, type ExecFileOptions } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../domain/text.ts';

const execFileAsync = promisify(execFile);

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Runs a tool; what it wrote. An error is the end of what it said, in one line. */
export async function runTool(
  name: string,
  command: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<Buffer> {
  const all = { ...options, encoding: 'buffer', maxBuffer: 2 ** 30 } as const;
  const { stdout } = await execFileAsync(command, args, all).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) throw new Error(`${name} is not installed`);
    const lines = String((error as { stderr?: Buffer }).stderr ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('WARNING:'));
    throw new Error(lines.slice(-3).join(' ').replace(/\.$/, '') || messageOf(error), { cause: error });
  });
  return stdout;
}
