import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../../domain/text.ts';
import { LOCALHOST } from '../services/ports.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import { directorySource } from './directory-source.ts';
import { DEFAULT_ORDERS } from './generate-increment.ts';
import { generatedSource } from './generated-source.ts';
import { type RecordedRequest, startSampleApi } from './server.ts';

const data = new Option(
  '--data <dir>',
  'serve dir/report/*.csv and dir/increment/<date>/*.csv, read anew for every request',
);
const command = new Command('sample-api')
  .description(
    'A sample report API and the storage of its files. It serves generated increments for every date, or the files of\n' +
      'a directory.',
  )
  .option('--host <name>', 'name that it is reached by, on every address of the machine', LOCALHOST)
  .option('--port <n>', 'its port (0: any free one)', count, 0)
  .addOption(data.conflicts('orders'))
  .option('--orders <n>', 'distinct orders of a generated day; about 6.8 rows each', count, DEFAULT_ORDERS)
  .option('--polls <n>', 'number of get_report calls answered RUNNING', count, 1)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

try {
  await serve(command.opts());
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

interface Options {
  host: string;
  port: number;
  data?: string;
  orders: number;
  polls: number;
}

async function serve({ host, port, data, orders, polls }: Options): Promise<void> {
  const source = data === undefined ? generatedSource(orders) : directorySource(data);
  await source.report(); // a wrong directory fails at the start, not with the first request
  const onRequest = (request: RecordedRequest) => console.log(lineOf(request));
  const api = await startSampleApi({ source, host, port, pollsUntilReady: polls, onRequest });
  const stop = (): void => void api.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  console.log(`sample report API at ${api.url}`);
  const credentials = Object.entries(SAMPLE_CREDENTIALS).map(([name, value]) => `${name}=${value}`);
  console.log(`it takes ${credentials.join(' ')}`);
}

/** `12:30:01 GET  /get_report?task_id=… 503`, without the signature of a storage URL. */
function lineOf({ at, endpoint, method, path, status }: RecordedRequest): string {
  const shown = endpoint === 'storage' ? path.replace(/\?.*/, '') : path;
  return `${at.toTimeString().slice(0, 8)} ${method.padEnd(4)} ${shown} ${status ?? 'no answer'}`;
}

function count(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}
