import { Runtime } from '@temporalio/worker';
import { loadEnvFile } from './runtime/env-file.ts';
import { format, listenAddress, type ListenAddress } from './runtime/listen-address.ts';
import { SettingsError, type SettingName } from './runtime/settings.ts';
import { TemporalUnreachable } from './runtime/temporal.ts';
import { serveHealth } from './runtime/health.ts';
import { createLogger } from './runtime/logger.ts';
import { connectWorker } from './worker/connect.ts';
import { telemetryOptions } from './worker/metrics.ts';
import { readWorkerSettings } from './worker/settings.ts';
import { startWorker, type RunningWorker } from './worker/start-worker.ts';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The worker process: `npm run worker`. Stops on these signals; exit code 2 means wrong settings. */
async function main(): Promise<void> {
  loadEnvFile();
  const settings = readWorkerSettings(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    let worker: RunningWorker | undefined = undefined;
    // Each may come twice, from the terminal and from npm. Until the worker runs there is nothing to wait for.
    const stop = () => (worker === undefined ? process.exit() : worker.stop());
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
    const isReady = async () => (await worker?.isReady()) ?? false;
    closing.push(await serveHealth(await addressOf('HEALTH_ADDRESS', settings.HEALTH_ADDRESS), { isReady }));
    const metrics = await addressOf('METRICS_ADDRESS', settings.METRICS_ADDRESS);
    Runtime.install({
      logger,
      shutdownSignals: [],
      telemetryOptions: telemetryOptions(settings, metrics && format(metrics)),
    });
    const connection = await connectWorker(settings.temporal);
    closing.push(() => connection.close());
    const { namespace } = settings.temporal;
    worker = await startWorker(settings, {
      connection,
      namespace,
      onDatabaseError: (error) => logger.warn('a database connection broke', { error }),
      onWarning: (message) => logger.warn(message),
      onFreshnessError: (error) => logger.warn('the freshness of the mart could not be measured', { error }),
      onHousekeepingError: (error) => logger.warn('old data could not be removed', { error }),
    });
    logger.info('worker started', { namespace, taskQueue: worker.taskQueue });
    await worker.stopped;
    logger.info('worker stopped');
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function addressOf(name: SettingName, address: string | undefined): Promise<ListenAddress | undefined> {
  return address === undefined ? undefined : await listenAddress(name, address);
}

main()
  .catch((error: unknown) => {
    process.exitCode = error instanceof SettingsError ? 2 : 1;
    if (error instanceof SettingsError || error instanceof TemporalUnreachable) console.error(error.message);
    // Without the bytes of the server's answer, which follow.
    else if (error instanceof Error && error.name === 'TransportError')
      console.error(error.message.split(': Status {')[0]);
    else console.error(error);
  })
  // The SDK's native part would keep a process whose start has failed.
  .finally(() => process.exit());
