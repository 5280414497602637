/**
 * `node --import ./runtime/register.js …`: the one way to start a program of this project.
 *
 * What it writes is for its user only. TypeScript is run by Node itself where it can, which takes 22.18, else by tsx;
 * without tsx's cache, a folder of the temporary directory that another user may have made, with code in it. Tests, whose
 * temporary directory is their own, set TSX_DISABLE_CACHE to nothing.
 * Threads need none of this: that of workflows runs a bundle.
 *
 * Started by npm it hangs up when npm has ended (contract, ruling 51), which passes on SIGTERM and SIGINT, but dies of SIGHUP
 * without a word, and where a shell stands between the two, of any signal.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  process.umask(0o077);
  if (process.env.npm_lifecycle_event !== undefined) hangUpWithout(process.ppid);
  if (!process.features.typescript) {
    process.env.TSX_DISABLE_CACHE ??= '1';
    await import('tsx');
  }
}

/** @param {number} parent */
function hangUpWithout(parent) {
  const timer = setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGHUP');
  }, 1_000);
  timer.unref();
}
