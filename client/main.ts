import { CommanderError } from 'commander';
import { plainLines } from '../domain/text.ts';
import { loadEnvFile } from '../runtime/env-file.ts';
import { asCommandFailed, program } from './program.ts';

/** Also where the command line cannot be read: a script that writes `--JSON` or `--json=true` gets its document. */
function wantsJson(): boolean {
  return process.argv.some((argument) => /^--json(=|$)/i.test(argument));
}

/** Prints the error, with --json also its document; returns the exit code. */
function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const failed = asCommandFailed(error);
  process.stderr.write(`${plainLines(failed.message)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(failed.document, null, 2)}\n`);
  return failed.exitCode;
}

// A closed stdout ends the command: its reader, e.g. `head`, has seen enough. A closed stderr does not, since the result
// and the exit code still matter.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  // A full disk, for instance.
  process.stderr.write(`The result cannot be written to standard output: ${error.message}.\n`);
  process.exit(process.exitCode || 1);
});
process.stderr.on('error', () => undefined);

// A process with nothing left to wait for ends with 0, also where an answer that was waited for can never come.
process.once('exit', () => {
  if (process.exitCode === undefined)
    process.exitCode = report(new Error('The command ended without a result.'), wantsJson());
});

async function main(): Promise<void> {
  loadEnvFile();
  await program().parseAsync();
}

main()
  .then(() => (process.exitCode = 0))
  .catch((error: unknown) => {
    process.exitCode = report(error, wantsJson());
  });
