import { CommanderError } from 'commander';
import { messageOf } from '../../domain/text.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
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

async function serve({ host, port, storagePort, data, orders, polls }: Options): Promise<void> {
  const source = data === undefined ? generatedSource({ orders }) : directorySource(data);
  await source.report(); // a wrong directory fails at the start, not with the first request
  const onRequest = (request: RecordedRequest) => console.log(lineOf(request));
  const api = await startSampleApi({ source, host, port, storagePort, pollsUntilReady: polls, onRequest });
  const stop = (): void => void api.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  console.log(`sample report API at ${api.url}, storage at ${api.storageUrl}`);
  const credentials = Object.entries(SAMPLE_CREDENTIALS).map(([name, value]) => `${name}=${value}`);
  console.log(`it takes ${credentials.join(' ')}`);
}

/** `12:30:01 api     GET  /get_report?task_id=… 503 (fault: status)`, without the signature of a storage URL. */
function lineOf({ at, server, method, path, status, fault }: RecordedRequest): string {
  const time = new Date(at).toTimeString().slice(0, 8);
  const shown = server === 'storage' ? path.replace(/\?.*/, '') : path;
  const note = fault === null ? '' : ` (fault: ${fault})`;
  return `${time} ${server.padEnd(7)} ${method.padEnd(4)} ${shown} ${status ?? 'no answer'}${note}`;
}
