import { parseStackOptions } from './stack/options.ts';
import { Stack } from './stack/stack.ts';

/** What `./temporal-dev.sh` runs once the packages are installed. */
async function main(): Promise<void> {
  const options = parseStackOptions(process.argv.slice(2));
  const stack = new Stack(options, (line) => console.log(line));
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
    console.log('Stopping what was started.');
    await stack.stop();
  }
}

/** Ctrl-C before the day was loaded. */
class Interrupted extends Error {
  override readonly message = 'interrupted';
}

main().then(
  // Whatever library timers are left over, everything that was started has been stopped.
  () => process.exit(0),
  (error: unknown) => {
    console.error(`temporal-dev: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(error instanceof Interrupted ? 130 : 1);
  },
);
