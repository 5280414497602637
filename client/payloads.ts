import type { Client } from '@temporalio/client';
import type { Payload, ProtoFailure } from '@temporalio/common';

/** What the SDK's client decodes only for itself: the values of payloads, encrypted or not. */
export async function decoded({ options }: Client, payloads: readonly Payload[]): Promise<unknown[]> {
  const { payloadConverter, payloadCodecs } = options.loadedDataConverter;
  let plain = [...payloads];
  for (const codec of payloadCodecs.toReversed()) plain = await codec.decode(plain);
  return plain.map((payload) => payloadConverter.fromPayload<unknown>(payload));
}

/** With PAYLOAD_KEYS the message of a failure is encrypted, and stands among its encoded attributes. */
export async function failureMessage(client: Client, failure: ProtoFailure | null | undefined) {
  const { message, encodedAttributes } = failure ?? {};
  if (!encodedAttributes) return message ?? undefined;
  const [attributes] = await decoded(client, [encodedAttributes]);
  return (attributes as { message: string }).message;
}
