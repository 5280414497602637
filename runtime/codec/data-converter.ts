import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload } from '@temporalio/common';
import { readSettings } from '../settings.ts';
import { AesGcmCodec, isEncrypted } from './aes-gcm-codec.ts';

/** The workflow bundle of a worker with keys has this converter built in. */
export const FAILURE_CONVERTER = fileURLToPath(new URL('./failure-converter.ts', import.meta.url));

/** The data converter of worker and client: with PAYLOAD_KEYS, payloads and failures are encrypted. */
export function dataConverter(env: NodeJS.ProcessEnv): { dataConverter: DataConverter } {
  const { PAYLOAD_KEYS: ring } = readSettings(env, ['PAYLOAD_KEYS']);
  if (ring.length === 0) return { dataConverter: { payloadCodecs: [WITHOUT_KEYS] } };
  return {
    dataConverter: { payloadCodecs: [new AesGcmCodec(ring)], failureConverterPath: FAILURE_CONVERTER },
  };
}

/** Says which side lacks the keys, where otherwise an unknown encoding would be all that is said. */
const WITHOUT_KEYS = {
  encode: (payloads: Payload[]) => Promise.resolve(payloads),
  decode(payloads: Payload[]) {
    if (payloads.some(isEncrypted))
      throw new Error(
        'Its payloads are encrypted, and PAYLOAD_KEYS is not set here: set it as on the other side.',
      );
    return Promise.resolve(payloads);
  },
};
