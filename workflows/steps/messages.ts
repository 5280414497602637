import { defineUpdate, setHandler } from '@temporalio/workflow';
import { failure } from '../../domain/failures.ts';
import { fileNames } from '../../domain/feeds.ts';
import type { Run } from './run.ts';

/** What a person can ask of a waiting day. */
export function handleMessages(run: Run): void {
  setHandler(
    defineUpdate<string>('retryNow'),
    () => {
      run.progress.retryNow();
      return 'Trying now.';
    },
    { description: 'End the wait and try now: poll the report, or ask for the missing files, at once.' },
  );
  setHandler(
    defineUpdate<string, [string[]]>('proceedWithout'),
    (files) => {
      run.checkpoint.accepted.push(...files);
      run.progress.retryNow();
      return `The run goes on without ${files.join(', ')} if missing.`;
    },
    {
      description: 'Accept that these files are missing for this day, e.g. ["customer_research_inc"].',
      validator: validateFiles,
    },
  );
}

function validateFiles(files: unknown): void {
  const known = fileNames('increment');
  const named = Array.isArray(files) ? (files as unknown[]) : [];
  const unknown = named.filter((file) => typeof file !== 'string' || !known.includes(file));
  if (named.length > 0 && unknown.length === 0) return;
  throw failure(
    'InvalidInput',
    `Expected a list of files among ${known.join(', ')}${unknown.length ? `; unknown: ${unknown.join(', ')}` : ''}.`,
  );
}
