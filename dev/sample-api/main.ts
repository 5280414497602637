import { CommanderError } from 'commander';
import { messageOf } from '../../domain/text.ts';
import type { DeliverySource } from './delivery.ts';
import { directorySource } from './directory-source.ts';
import { generatedSource } from './generated-source.ts';
import { type Options, parseOptions } from './options.ts';
import { type RecordedRequest, startSampleApi } from './server.ts';

try {
  await serve(parseOptions(process.argv.slice(2)));
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2; // commander has already printed the help or the error
  } else {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}

async function serve(options: Options): Promise<void> {
  const api = await startSampleApi({
    source: await sourceOf(options),
    port: options.port,
    storagePort: options.storagePort,
    apiKey: options.apiKey,
    nickname: options.nickname,
    cohort: options.cohort,
    pollsUntilReady: options.polls,
    readyAfterMs: options.readyAfter,
    faults: options.faults,
    ...(options.quiet ? {} : { onRequest: (request) => console.log(lineOf(request)) }),
  });
  const stop = (): void => void api.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  console.log(`sample report API at ${api.url}, storage at ${api.storageUrl}`);
}

async function sourceOf({ data, orders, statusFrom, earliest }: Options): Promise<DeliverySource> {
  if (data === undefined) return generatedSource({ orders, statusFrom, ...(earliest ? { earliest } : {}) });
  const source = directorySource(data);
  await source.report(); // a wrong directory fails at the start, not with the first request
  if (earliest === undefined) return source;
  return {
    report: () => source.report(),
    increment: (date) => (date < earliest ? null : source.increment(date)),
  };
}

/** `12:30:01 api     GET  /get_report?task_id=… 503 (fault: status)`, without the signature of a storage URL. */
function lineOf({ at, server, method, path, status, fault }: RecordedRequest): string {
  const time = new Date(at).toTimeString().slice(0, 8);
  const shown = server === 'storage' ? path.replace(/\?.*/, '') : path;
  const note = fault === null ? '' : ` (fault: ${fault})`;
  return `${time} ${server.padEnd(7)} ${method.padEnd(4)} ${shown} ${status ?? 'no answer'}${note}`;
}
