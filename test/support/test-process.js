/**
 * Loaded into the process of each test file, and into its threads, which need nothing of it.
 *
 * A file must end by itself when its tests are over, since what stays open is a fault of the product or of a test;
 * otherwise it is ended, and fails. So it is when it takes too long: --test-timeout would leave its child processes
 * behind, and in Node 24 limits each test but not the file.
 */
import { isMainThread } from 'node:worker_threads';
import '../../runtime/register.js';

// Minutes: to drop a test's database, the server waits for all of its sessions, those of other tests included.
const GRACE_MS = 180_000;

if (isMainThread && process.env.NODE_TEST_CONTEXT !== undefined) {
  const { after } = await import('node:test');
  after(() => endIn(GRACE_MS, `still running ${GRACE_MS / 1_000} s after its tests`));
  endIn(Number(process.env.TEST_FILE_LIMIT_MS), 'out of time');
}

function endIn(ms, why) {
  setTimeout(() => {
    console.error(`${process.argv[1]}: ${why}, ended. Open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, ms).unref();
}
