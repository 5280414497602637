import { homedir } from 'node:os';
import { runTool } from './errors.ts';

/** Builds a program into a directory, which takes minutes; Go verifies its source by its checksum database. */
export async function goInstall(goPackage: string, directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  await runTool('Go', 'go', ['install', goPackage], {
    cwd: directory, // away from any go.mod
    // Go has no place for its caches where HOME is not set, as under some service managers.
    env: { ...env, HOME: env['HOME'] ?? homedir(), GOBIN: directory },
  });
}
