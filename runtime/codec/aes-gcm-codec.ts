import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, ValueError, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A key of the ring: 32 bytes for AES-256-GCM, and the name that encrypted payloads carry. */
export interface PayloadKey {
  id: string;
  key: Buffer;
}

/**
 * Encrypts every payload before it leaves the process. The first key of the ring encrypts, all of them decrypt: to
 * rotate, put the new one in front, and drop the old one when no history holds it any more.
 */
export class AesGcmCodec implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: PayloadKey;

  constructor(ring: readonly PayloadKey[]) {
    const [current] = ring;
    if (!current) throw new ValueError('The key ring is empty.');
    this.#current = current;
    this.#keys = new Map(ring.map(({ id, key }) => [id, key]));
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map((payload) => this.#encrypt(payload)));
  }

  /** Payloads that are not encrypted, from before encryption was turned on, are left as they are. */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map((payload) => this.#decrypt(payload)));
  }

  #encrypt(payload: Payload): Payload {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#current.key, iv);
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
    const data = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return {
      metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(this.#current.id) },
      data,
    };
  }

  #decrypt(payload: Payload): Payload {
    const { metadata, data } = payload;
    if (!metadata || !data || !isEncrypted(payload)) return payload;
    const id = text(metadata[KEY_ID]);
    const key = this.#keys.get(id);
    if (!key) throw new ValueError(`PAYLOAD_KEYS has no key "${id}", which a payload was encrypted with.`);
    const bytes = Buffer.from(data);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return proto.temporal.api.common.v1.Payload.decode(plain);
  }
}

export function isEncrypted({ metadata }: Payload): boolean {
  return text(metadata?.[METADATA_ENCODING_KEY]) === ENCODING;
}

function text(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
