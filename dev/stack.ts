import { messageOf } from '../domain/text.ts';
import { parseStackOptions } from './stack/options.ts';
import { Stack } from './stack/stack.ts';

/** What `./temporal-dev.sh` runs once the packages are installed. */
async function main(): Promise<void> {
  const options = parseStackOptions();
  // Databases, logs and landed files hold people's names, and some a password: for this user only.
  process.umask(0o077);
  const stack = new Stack(options);
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  try {
    const day = stack.start().then(() => stack.runDay());
    await Promise.race([day, interrupted.then(() => Promise.reject(new Interrupted()))]);
    if (!options.once) {
      await stack.explain();
      await Promise.race([interrupted, stack.broken]);
    }
  } finally {
    console.log('Stopping all services.');
    await stack.stop();
  }
}

/** Ctrl-C before the day was loaded. */
class Interrupted extends Error {
  override readonly message = 'interrupted';
}

main().then(
  // Everything that was started has been stopped; a timer of a library must not keep the process.
  () => process.exit(0),
  (error: unknown) => {
    console.error(`temporal-dev: ${messageOf(error)}`);
    process.exit(error instanceof Interrupted ? 130 : 1);
  },
);
