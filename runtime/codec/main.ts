import { loadEnvFile } from '../env-file.ts';
import { listenAddress } from '../listen-address.ts';
import { readSettings, SettingsError } from '../settings.ts';
import { AesGcmCodec } from './aes-gcm-codec.ts';
import { codecServer } from './server.ts';

/** `npm run codec-server`: decrypts payloads for the Temporal UI (its setting "Remote Codec Endpoint"). */
try {
  loadEnvFile();
  const settings = readSettings(process.env, ['PAYLOAD_KEYS', 'CODEC_SERVER_ADDRESS', 'TEMPORAL_UI_URL']);
  if (settings.PAYLOAD_KEYS.length === 0)
    throw new SettingsError(['PAYLOAD_KEYS is not set: nothing to decrypt with.']);
  const address = await listenAddress('CODEC_SERVER_ADDRESS', settings.CODEC_SERVER_ADDRESS);
  const origin = new URL(settings.TEMPORAL_UI_URL).origin;
  const server = codecServer(new AesGcmCodec(settings.PAYLOAD_KEYS), origin);
  server.listen(address.port, address.host, () => {
    console.log(`codec server at http://${settings.CODEC_SERVER_ADDRESS}, for pages of ${origin}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}
