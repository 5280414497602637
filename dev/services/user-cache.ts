import { userInfo } from 'node:os';
import path from 'node:path';

/** The user's own cache directory by the XDG specification, which has relative ones ignored; undefined without a home. */
export function userCache(env: NodeJS.ProcessEnv): string | undefined {
  const named = env.XDG_CACHE_HOME ?? '';
  if (path.isAbsolute(named)) return named;
  const home = env.HOME || homeOfUser();
  return home !== undefined && path.isAbsolute(home) ? path.join(home, '.cache') : undefined;
}

function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined; // a user id without an entry, as containers have
  }
}
