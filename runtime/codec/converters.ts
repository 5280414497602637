import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  DefaultFailureConverter,
  JsonPayloadConverter,
  UndefinedPayloadConverter,
  type Payload,
  type PayloadConverterWithEncoding,
} from '@temporalio/common';
import { failure } from '../../domain/failures.ts';

/** The encoding of what the codec puts in place of a payload that it refuses: the reason, as text. */
export const REFUSED = 'binary/refused';

/**
 * A refused value throws when it is looked at, and not before: thrown by the codec or here, the reason would fail every
 * task of a run and never the run.
 */
const refusing: PayloadConverterWithEncoding = {
  encodingType: REFUSED,
  toPayload: () => undefined,
  fromPayload: ({ data }: Payload) => {
    const refuse = () => {
      throw failure('InvalidInput', new TextDecoder().decode(data ?? undefined));
    };
    return new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse }) as never;
  },
};

// With PAYLOAD_KEYS, the SDK takes these two by their names, for client, worker and workflow bundle.

export const payloadConverter = new CompositePayloadConverter(
  new UndefinedPayloadConverter(),
  new BinaryPayloadConverter(),
  new JsonPayloadConverter(),
  refusing,
);

/** Puts message and stack of a failure into a payload, which the codec then encrypts (contract, ruling 25). */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
