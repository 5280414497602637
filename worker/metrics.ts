import type { TelemetryOptions } from '@temporalio/worker';
import type { WorkerSettings } from './settings.ts';

/** Served for Prometheus at `address`, or pushed to a collector, which comes first: Core does one of both. */
export function telemetryOptions(settings: WorkerSettings, address: string | undefined): TelemetryOptions {
  const { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS = '' } = settings;
  if (url !== undefined) {
    const pairs = OTEL_EXPORTER_OTLP_HEADERS.split(',').filter(Boolean);
    const headers = Object.fromEntries(
      pairs.map((pair) => [
        pair.slice(0, pair.indexOf('=')).trim(),
        pair.slice(pair.indexOf('=') + 1).trim(),
      ]),
    );
    return {
      metrics: {
        otel: { url, http: true, headers, useSecondsForDurations: true, metricsExportInterval: '5s' },
      },
    };
  }
  if (address === undefined) return {};
  return {
    metrics: {
      prometheus: {
        bindAddress: address,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
    },
  };
}
