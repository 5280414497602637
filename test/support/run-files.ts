import path from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import report from './reporter.ts';

/**
 * `run-files.ts [flag …] -- file …`: runs test files in the order given, where `node --test` would sort them by name. The
 * flags are for the process of each file, which gets what this process has as its own.
 */
const flags = process.argv.slice(2, process.argv.indexOf('--'));
process.execArgv.push(...flags);
const timeout = Number(valueOf('--test-timeout'));
const events = run({
  files: process.argv.slice(process.argv.indexOf('--') + 1),
  concurrency: Number(valueOf('--test-concurrency')),
  timeout,
});
events.on('test:fail', () => {
  process.exitCode = 1;
});

// Node 24 limits the time of tests but not of files: one that spins, or whose output a process that it left holds open.
const limits = new Map<string, NodeJS.Timeout>();
events.on('test:dequeue', ({ name, file }) => {
  if (path.resolve(name) !== file) return;
  const end = () => {
    console.error(
      `${name} has not ended ${(timeout + 10_000) / 1_000} s after its start: the run is given up.`,
    );
    process.exit(1);
  };
  limits.set(name, setTimeout(end, timeout + 10_000));
});
events.on('test:complete', ({ name }) => {
  clearTimeout(limits.get(name));
});

Readable.from(report(events)).pipe(process.stdout);

function valueOf(flag: string): string | undefined {
  return flags.findLast((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
