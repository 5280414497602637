import { loadEnvFile } from '../runtime/env-file.ts';
import { program, reportFailure } from './program.ts';

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
    process.exitCode = reportFailure(new Error('The command ended without a result.'), process.argv);
});

async function main(): Promise<void> {
  loadEnvFile();
  await program().parseAsync();
}

main()
  .then(() => (process.exitCode = 0))
  .catch((error: unknown) => {
    process.exitCode = reportFailure(error, process.argv);
  });
