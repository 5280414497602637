import type { TelemetryOptions } from '@temporalio/worker';
import type { WorkerSettings } from './settings.ts';

/** Served for Prometheus at an address, or pushed to a collector, which comes first: Core does one of both. */
export function telemetryOptions(
  settings: WorkerSettings,
  bindAddress: string | undefined,
): TelemetryOptions {
  const { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: headers = {} } = settings;
  const useSecondsForDurations = true;
  if (url !== undefined) {
    const otel = { url, http: true, headers, useSecondsForDurations, metricsExportInterval: '5s' } as const;
    return { metrics: { otel } };
  }
  if (bindAddress === undefined) return {};
  const names = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations };
  return { metrics: { prometheus: { bindAddress, ...names } } };
}
