import type { Payload } from '@temporalio/common';
import { z } from 'zod';

/** The UI asks for the payloads of an event, or of a page of them. */
const MAX_PAYLOADS = 10_000;
/** Temporal's own converters and the codec write fewer than ten. */
const MAX_METADATA = 100;

/** Both alphabets, as protobuf's JSON allows. */
const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'expected base64 text')
  .transform((text) => Buffer.from(text, 'base64'));

const metadata = z
  .record(z.string(), z.unknown())
  .refine((values) => Object.keys(values).length <= MAX_METADATA, `expected at most ${MAX_METADATA} entries`)
  .pipe(z.record(z.string(), base64));

/** Numbers are counted before any entry is looked at, so that a large body costs no more than its parsing. */
const body = z.object({
  payloads: z
    .array(z.unknown())
    .max(MAX_PAYLOADS)
    .pipe(z.array(z.object({ metadata: metadata.nullish(), data: base64.nullish() }))),
});

/**
 * The payloads of a request to a codec server: `{"payloads": [{"metadata": {name: base64}, "data": base64}]}`. Throws an
 * error that names the first fault; nothing is read of a value that has not been checked (contract, ruling 54).
 */
export function payloadsOf(json: string): Payload[] {
  try {
    return body
      .parse(JSON.parse(json))
      .payloads.map(({ metadata, data }) => ({ metadata: metadata ?? {}, data: data ?? null }));
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const reason = issue ? `${issue.path.join('.')}: ${issue.message}` : 'the body is not JSON';
    throw new Error(`Expected {"payloads": […]}; ${reason}.`);
  }
}

/** The answer: the same shape. */
export function jsonOf(payloads: readonly Payload[]): object {
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(
        Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
      ),
      data: Buffer.from(data ?? []).toString('base64'),
    })),
  };
}
