import { NativeConnection, Runtime } from '@temporalio/worker';
import { loadEnvFile } from './runtime/env-file.ts';
import { format, listenAddress } from './runtime/listen-address.ts';
import { SettingsError } from './runtime/settings.ts';
import { TemporalUnreachable } from './runtime/temporal.ts';
import { serveHealth } from './runtime/health.ts';
import { createLogger } from './runtime/logger.ts';
import { telemetryOptions } from './worker/metrics.ts';
import { readWorkerSettings } from './worker/settings.ts';
import { startWorker, type RunningWorker } from './worker/start-worker.ts';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The worker process: `npm run worker`. Stops on these signals; exit code 2 means wrong settings. */
async function main(): Promise<void> {
  loadEnvFile();
  const settings = readWorkerSettings(process.env);
  const { HEALTH_ADDRESS, METRICS_ADDRESS } = settings;
  const { connectionOptions, address, namespace } = settings.temporal;
  const logger = createLogger(settings.LOG_LEVEL);
  let worker: RunningWorker | undefined = undefined;
  // Each may come twice, from the terminal and from npm. Until the worker runs there is nothing to wait for.
  const stop = () => (worker === undefined ? process.exit() : worker.stop());
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  if (HEALTH_ADDRESS !== undefined) {
    const isReady = async () => (await worker?.isReady()) ?? false;
    await serveHealth(await listenAddress('HEALTH_ADDRESS', HEALTH_ADDRESS), isReady);
  }
  const metrics = METRICS_ADDRESS && format(await listenAddress('METRICS_ADDRESS', METRICS_ADDRESS));
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: telemetryOptions(settings, metrics) });
  const connection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw new TemporalUnreachable(address, error);
  });
  worker = await startWorker(settings, {
    connection,
    namespace,
    onWarning: (message, error) => logger.warn(message, error === undefined ? undefined : { error }),
  });
  logger.info('worker started', { namespace, taskQueue: worker.taskQueue });
  await worker.stopped;
  logger.info('worker stopped');
  await connection.close();
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
  // What still listens, and the SDK's native part, would keep the process.
  .finally(() => process.exit());
