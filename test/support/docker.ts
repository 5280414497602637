import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';

/** Runs docker to its end; what it says when it is not content is the error's message. */
export async function docker(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}
