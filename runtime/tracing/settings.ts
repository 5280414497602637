import { readSettings } from '../settings.ts';

const NAMES = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
  'OTEL_SDK_DISABLED',
] as const;

export interface TracingSettings {
  serviceName: string;
  protocol: 'http/protobuf' | 'http/json';
}

/**
 * Undefined: no traces. The rest (addresses, headers, time limits, certificates) the exporter reads from the
 * environment by itself, as every program with OpenTelemetry does. Throws `SettingsError`.
 */
export function tracingSettings(env: NodeJS.ProcessEnv): TracingSettings | undefined {
  const settings = readSettings(env, NAMES);
  const endpoint = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || settings.OTEL_SDK_DISABLED) return undefined;
  return { serviceName: settings.OTEL_SERVICE_NAME, protocol: settings.OTEL_EXPORTER_OTLP_PROTOCOL };
}
