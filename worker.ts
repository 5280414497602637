import { Runtime } from '@temporalio/worker';
import { loadEnvFile } from './runtime/env-file.ts';
import { format, listenAddress, type ListenAddress } from './runtime/listen-address.ts';
import { SettingsError, type SettingName } from './runtime/settings.ts';
import { connectWorker, TemporalUnreachable } from './runtime/temporal.ts';
import { startTracing, stopTracing } from './runtime/tracing/start.ts';
import { serveHealth } from './runtime/health.ts';
import { createLogger } from './runtime/logger.ts';
import { readWorkerSettings } from './worker/settings.ts';
import { startWorker } from './worker/start-worker.ts';

/** The worker process: `npm run worker`. Stops on SIGTERM or SIGINT; exit code 2 means wrong settings. */
async function main(): Promise<void> {
  loadEnvFile();
  const settings = readWorkerSettings(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  const metrics = await addressOf('METRICS_ADDRESS', settings.METRICS_ADDRESS);
  const health = await addressOf('HEALTH_ADDRESS', settings.HEALTH_ADDRESS);
  Runtime.install({
    logger,
    ...(metrics && {
      telemetryOptions: {
        metrics: { prometheus: { bindAddress: format(metrics), countersTotalSuffix: true } },
      },
    }),
  });
  const tracing = await startTracing(settings.tracing, (message) => logger.warn(message));
  const { connection, namespace } = await connectWorker();
  try {
    const worker = await startWorker(settings, {
      connection,
      namespace,
      tracing,
      onDatabaseError: (error) => logger.warn('a database connection broke', { error }),
      onWarning: (message) => logger.warn(message),
      onFreshnessError: (error) => logger.warn('the freshness of the mart could not be measured', { error }),
    });
    const closeHealth = await serveHealth(health, worker);
    const { taskQueue, landingTaskQueue } = worker;
    logger.info('worker started', { namespace, taskQueue, landingTaskQueue });
    await worker.stopped.finally(closeHealth);
    logger.info('worker stopped');
  } finally {
    await connection.close();
  }
}

async function addressOf(name: SettingName, address: string | undefined): Promise<ListenAddress | undefined> {
  return address === undefined ? undefined : await listenAddress(name, address);
}

main()
  .catch((error: unknown) => {
    const expected = error instanceof SettingsError || error instanceof TemporalUnreachable;
    console.error(expected ? error.message : error);
    process.exitCode = error instanceof SettingsError ? 2 : 1;
  })
  .finally(stopTracing);
