import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';

import { SettingsError } from './settings.ts';
import { dataConverter } from './codec/data-converter.ts';
import { tracingSettings } from './tracing/settings.ts';
import { startTracing } from './tracing/start.ts';

/** How to reach Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS…, profiles. */
export function temporalConfig() {
  const { connectionOptions, namespace } = load();
  return {
    connectionOptions,
    namespace: namespace ?? 'default',
    address: connectionOptions.address ?? 'localhost:7233',
  };
}

function load() {
  trimApiKey(process.env);
  try {
    return loadClientConnectConfig();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new SettingsError([`Temporal's environment configuration (TEMPORAL_…) cannot be used: ${what}.`]);
  }
}

/** A key from a mounted file often ends with a line feed; gRPC would print the whole key in its complaint. */
function trimApiKey(env: NodeJS.ProcessEnv): void {
  const key = env.TEMPORAL_API_KEY?.trim();
  if (key === undefined) return;
  if (!/^[\x21-\x7e]*$/.test(key)) throw new SettingsError(['TEMPORAL_API_KEY must be printable ASCII.']);
  env.TEMPORAL_API_KEY = key;
}

export async function connectWorker(): Promise<{ connection: NativeConnection; namespace: string }> {
  const { connectionOptions, namespace, address } = temporalConfig();
  const connection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw unreachable(address, error);
  });
  return { connection, namespace };
}

export async function connectClient(): Promise<Client> {
  const { connectionOptions, namespace, address } = temporalConfig();
  const tracing = await startTracing(tracingSettings(process.env), console.error);
  const connection = await Connection.connect(connectionOptions).catch((error: unknown) => {
    throw unreachable(address, error);
  });
  return new Client({
    connection,
    namespace,
    ...dataConverter(process.env),
    interceptors: tracing.client,
  });
}

/** No Temporal server at the address. */
export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';
}

function unreachable(address: string, error: unknown): TemporalUnreachable {
  const what = error instanceof Error ? error.message : String(error);
  return new TemporalUnreachable(`Temporal cannot be reached at ${address} (TEMPORAL_ADDRESS): ${what}.`);
}
