import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { Client, Connection, type TLSConfig } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { messageOf } from '../domain/text.ts';
import { readSettingsFile } from './env-file.ts';
import { isPort } from './port.ts';
import { readTogether, SettingsError } from './settings.ts';
import { dataConverter } from './codec/data-converter.ts';

/**
 * How to reach Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS…, profiles. Throws
 * `SettingsError` for what a connection would refuse: its complaints hold the values, secret or not.
 */
export function temporalConfig(env: NodeJS.ProcessEnv) {
  const { connectionOptions, namespace } = loadConfig(env);
  const { tls, apiKey: key, metadata } = connectionOptions;
  const address = connectionOptions.address?.trim() || 'localhost:7233';
  const match = /^(?:[^\s:/@]+|\[[\da-fA-F:.]+\])(?::(\d+))?$/.exec(address);
  if (!match || !isPort(match[1] ?? '7233'))
    throw new SettingsError(['TEMPORAL_ADDRESS must be a host and a port like localhost:7233.']);
  if (tls && tls !== true) checkCertificates(tls);
  const apiKey = typeof key === 'string' && headerValue('TEMPORAL_API_KEY', key);
  const headers = Object.entries(metadata ?? {}).map(([name, value]) => [
    name,
    headerValue(`TEMPORAL_GRPC_META (${name})`, String(value)),
  ]);
  return {
    connectionOptions: {
      ...connectionOptions,
      address,
      metadata: Object.fromEntries(headers) as Record<string, string>,
      ...(apiKey && { apiKey }),
    },
    namespace: namespace?.trim() || 'default',
    address,
  };
}

/** Without the line feed at its end that a mounted file often has. */
function headerValue(name: string, value: string): string {
  const trimmed = value.trim();
  if (/^[\x20-\x7e]*$/.test(trimmed)) return trimmed;
  throw new SettingsError([`${name} must be printable ASCII, since it travels in a header.`]);
}

function checkCertificates({ serverRootCACertificate, clientCertPair }: TLSConfig): void {
  try {
    if (serverRootCACertificate) new X509Certificate(serverRootCACertificate);
    if (clientCertPair)
      createSecureContext({ cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) });
  } catch (error) {
    throw new SettingsError([`TEMPORAL_TLS_…: a certificate or key cannot be used: ${messageOf(error)}.`]);
  }
}

function loadConfig(env: NodeJS.ProcessEnv) {
  try {
    const profiles = profilesFile(env);
    return loadClientConnectConfig({
      overrideEnvVars: env as Record<string, string>,
      // Always, or the SDK would look for it by itself, and trust whatever it finds.
      configSource: { data: (profiles && readSettingsFile(profiles)) || '[profile]' },
    });
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    throw new SettingsError([
      `Temporal's environment configuration (TEMPORAL_…) cannot be used: ${messageOf(error)}.`,
    ]);
  }
}

/** The file of profiles, where Temporal's environment configuration has it. */
function profilesFile({
  TEMPORAL_CONFIG_FILE,
  XDG_CONFIG_HOME,
  HOME,
}: NodeJS.ProcessEnv): string | undefined {
  if (TEMPORAL_CONFIG_FILE !== undefined) return TEMPORAL_CONFIG_FILE;
  const isMac = process.platform === 'darwin';
  const ofUser = HOME && path.join(HOME, ...(isMac ? ['Library', 'Application Support'] : ['.config']));
  const directory = isMac ? ofUser : XDG_CONFIG_HOME || ofUser;
  return directory && path.isAbsolute(directory)
    ? path.join(directory, 'temporalio', 'temporal.toml')
    : undefined;
}

/** What a client's connection needs from the environment, with all faults at once. Throws `SettingsError`. */
export function clientConfig(env: NodeJS.ProcessEnv) {
  const [temporal, converter] = readTogether(
    () => temporalConfig(env),
    () => dataConverter(env),
  );
  return { ...temporal, ...converter };
}

export async function connectClient(env: NodeJS.ProcessEnv): Promise<Client> {
  const { connectionOptions, namespace, address, dataConverter } = clientConfig(env);
  const connection = await Connection.connect(connectionOptions).catch((error: unknown) => {
    throw new TemporalUnreachable(address, error);
  });
  return new Client({ connection, namespace, dataConverter });
}

/** No Temporal server at the address. */
export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';

  constructor(address: string, error: unknown) {
    super(`Temporal cannot be reached at ${address} (TEMPORAL_ADDRESS): ${messageOf(error)}.`);
  }
}
