import type { DataConverter } from '@temporalio/common';
import { readSettings } from '../settings.ts';
import { AesGcmCodec } from './aes-gcm-codec.ts';

/** The data converter of worker and client: with PAYLOAD_KEYS, payloads are encrypted. */
export function dataConverter(env: NodeJS.ProcessEnv): { dataConverter?: DataConverter } {
  const { PAYLOAD_KEYS: ring } = readSettings(env, ['PAYLOAD_KEYS']);
  return ring.length === 0 ? {} : { dataConverter: { payloadCodecs: [new AesGcmCodec(ring)] } };
}
