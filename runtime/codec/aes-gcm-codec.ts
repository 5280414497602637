import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  METADATA_ENCODING_KEY,
  ValueError,
  type Payload,
  type PayloadCodec,
  type SerializationContext,
} from '@temporalio/common';
import proto from '@temporalio/proto';
import { REFUSED } from './converters.ts';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
/** In clear text and authenticated, so that the codec server, which is told no workflow, can decrypt as well. */
const WORKFLOW_ID = 'workflow-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** The server appends it to the workflow id of a schedule, whose runs share one input and see each other's results. */
const SCHEDULED_TIME = /-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** A key of the ring: 32 bytes for AES-256-GCM, and the name that encrypted payloads carry. */
export interface PayloadKey {
  id: string;
  key: Buffer;
}

/**
 * Encrypts every payload before it leaves the process, for one workflow id: in another workflow it is refused. The
 * first key of the ring encrypts, all of them decrypt: to rotate, put the new one in front, and drop the old one when
 * no history holds it any more.
 */
export class AesGcmCodec implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: PayloadKey;
  readonly #acceptPlain: boolean;

  /** @param options.acceptPlain payloads that are not encrypted are left as they are; otherwise they are refused */
  constructor(ring: readonly PayloadKey[], options: { acceptPlain: boolean }) {
    const [current] = ring;
    if (!current) throw new ValueError('The key ring is empty.');
    this.#current = current;
    this.#keys = new Map(ring.map(({ id, key }) => [id, key]));
    this.#acceptPlain = options.acceptPlain;
  }

  encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return Promise.resolve(payloads.map((payload) => this.#encrypt(payload, ownerOf(context))));
  }

  /** @param context absent, as in the codec server: a payload of any workflow is decrypted */
  decode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.#decode(payload, context)));
  }

  #decode(payload: Payload, context: SerializationContext | undefined): Payload {
    if (!isEncrypted(payload)) {
      if (this.#acceptPlain) return payload;
      return refused(
        'A payload is not encrypted, and PAYLOAD_KEYS is set here: encrypt it with the same keys, or set ' +
          'PAYLOAD_ACCEPT_PLAIN=true for a change-over.',
      );
    }
    const workflowId = text(payload.metadata?.[WORKFLOW_ID]);
    // One that the codec server has encrypted, for an input that is typed into the UI, is for any workflow.
    if (context && workflowId !== '' && workflowId !== ownerOf(context))
      return refused(`A payload was encrypted for another workflow: ${workflowId}.`);
    return this.#decrypt(payload, workflowId);
  }

  #encrypt(payload: Payload, workflowId: string): Payload {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#current.key, iv).setAAD(Buffer.from(workflowId));
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
    const data = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    const metadata = {
      [METADATA_ENCODING_KEY]: ENCODING,
      [KEY_ID]: this.#current.id,
      [WORKFLOW_ID]: workflowId,
    };
    return { metadata: bytesOf(metadata), data };
  }

  #decrypt({ metadata, data }: Payload, workflowId: string): Payload {
    const id = text(metadata?.[KEY_ID]);
    const key = this.#keys.get(id);
    if (!key) throw new ValueError(`PAYLOAD_KEYS has no key "${id}", which a payload was encrypted with.`);
    const bytes = Buffer.from(data ?? []);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(workflowId)).setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      return proto.temporal.api.common.v1.Payload.decode(plain);
    } catch {
      throw new ValueError(
        `A payload cannot be decrypted: it was altered, or key "${id}" in PAYLOAD_KEYS is not the key it was encrypted with.`,
      );
    }
  }
}

export function isEncrypted({ metadata }: Payload): boolean {
  return text(metadata?.[METADATA_ENCODING_KEY]) === ENCODING;
}

function ownerOf(context: SerializationContext | undefined): string {
  return (context?.workflowId ?? '').replace(SCHEDULED_TIME, '');
}

function refused(reason: string): Payload {
  return { metadata: bytesOf({ [METADATA_ENCODING_KEY]: REFUSED }), data: Buffer.from(reason) };
}

function bytesOf(values: Record<string, string>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]));
}

function text(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
