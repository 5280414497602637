import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload } from '@temporalio/common';
import { readSettings } from '../settings.ts';
import { AesGcmCodec, isEncrypted } from './aes-gcm-codec.ts';

const path = fileURLToPath(new URL('./converters.ts', import.meta.url));

/** For every process that has PAYLOAD_KEYS; the workflow bundle has them built in. */
export const ENCRYPTING_CONVERTERS = { payloadConverterPath: path, failureConverterPath: path } as const;

/** The data converter of worker and client: with PAYLOAD_KEYS, payloads and failures are encrypted. */
export function dataConverter(env: NodeJS.ProcessEnv): { dataConverter: DataConverter } {
  const { PAYLOAD_KEYS: ring, PAYLOAD_ACCEPT_PLAIN: acceptPlain } = readSettings(env, [
    'PAYLOAD_KEYS',
    'PAYLOAD_ACCEPT_PLAIN',
  ]);
  if (ring.length === 0) return { dataConverter: { payloadCodecs: [WITHOUT_KEYS] } };
  const codec = new AesGcmCodec(ring, { acceptPlain });
  return { dataConverter: { payloadCodecs: [codec], ...ENCRYPTING_CONVERTERS } };
}

/** Says which side lacks the keys, where otherwise an unknown encoding would be all that is said. */
const WITHOUT_KEYS = {
  encode: (payloads: Payload[]) => Promise.resolve(payloads),
  decode(payloads: Payload[]) {
    if (payloads.some(isEncrypted))
      throw new Error(
        'The payloads are encrypted, but PAYLOAD_KEYS is not set here: set the same keys as on the other side.',
      );
    return Promise.resolve(payloads);
  },
};
