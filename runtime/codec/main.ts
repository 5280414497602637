import { once } from 'node:events';
import { hostname, networkInterfaces } from 'node:os';
import { messageOf } from '../../domain/text.ts';
import { loadEnvFile } from '../env-file.ts';
import { listenAddress } from '../listen-address.ts';
import { readSettings, SettingsError } from '../settings.ts';
import { AesGcmCodec } from './aes-gcm-codec.ts';
import { codecServer } from './server.ts';

const NAMES = [
  'PAYLOAD_KEYS',
  'CODEC_SERVER_ADDRESS',
  'CODEC_SERVER_TOKEN',
  'CODEC_SERVER_ENCODE',
  'TEMPORAL_UI_URL',
] as const;

/** `npm run codec-server`: decrypts payloads for the Temporal UI (its setting "Remote Codec Endpoint"). */
async function main(): Promise<void> {
  loadEnvFile();
  const settings = readSettings(process.env, NAMES);
  if (settings.PAYLOAD_KEYS.length === 0)
    throw new SettingsError(['PAYLOAD_KEYS is not set: nothing to decrypt with.']);
  const address = await listenAddress('CODEC_SERVER_ADDRESS', settings.CODEC_SERVER_ADDRESS);
  const token = settings.CODEC_SERVER_TOKEN;
  if (token === undefined && !/^127\.|^::1$/.test(address.host))
    throw new SettingsError([
      'CODEC_SERVER_TOKEN is not set: it is needed because other machines reach CODEC_SERVER_ADDRESS ' +
        `${settings.CODEC_SERVER_ADDRESS}, and whoever reaches the codec server can decrypt.`,
    ]);
  const ui = new URL(settings.TEMPORAL_UI_URL);
  const server = codecServer(new AesGcmCodec(settings.PAYLOAD_KEYS, { acceptPlain: true }), {
    // A proxy may serve the UI and this server under one name.
    hosts: [...ownNames(settings.CODEC_SERVER_ADDRESS, address.host), ui.hostname],
    origin: ui.origin,
    token,
    encodes: settings.CODEC_SERVER_ENCODE,
  });
  await once(server.listen(address.port, address.host), 'listening');
  console.log(`codec server at http://${settings.CODEC_SERVER_ADDRESS}, for pages of ${ui.origin}`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      server.close();
      server.closeAllConnections();
    });
}

/** By which this machine may be called at that address, as they stand in a URL. */
function ownNames(setting: string, host: string): string[] {
  const names = [new URL(`http://${setting}`).hostname, inUrl(host), 'localhost', '127.0.0.1', '[::1]'];
  if (host !== '0.0.0.0' && host !== '::') return names;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [...names, hostname().toLowerCase(), ...addresses.map((one) => inUrl(one.address))];
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = error instanceof SettingsError ? 2 : 1;
});
