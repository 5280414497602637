import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { plainText } from '../../domain/text.ts';

/** Nobody encodes more often; each takes memory. */
const MAX_CODINGS = 3;
/** As many bytes show whether a body is text. */
const START_BYTES = 512;
/** What is quoted of the header. */
const MAX_QUOTED = 50;

type Body = AsyncGenerator<Buffer, void>;

/** @param start the first bytes of the body */
type Coding = (start: Buffer) => Transform;

const gzip: Coding = () => createGunzip();

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  // By the standard it is in zlib's format, which begins like this; some servers send it bare.
  ['deflate', ([first = 0]) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw())],
  ['br', () => createBrotliDecompress()],
]);

export interface ContentEncoding {
  /** The body as it was before it was encoded. Throws what the body throws, and an Error where it cannot be. */
  decode: (body: Body) => Body;
  /** What an operator should know: the header names something that is no coding. */
  warning: string | undefined;
}

/**
 * What a header Content-Encoding says: codings, the last of which was applied last. Anything else in it, such as a character
 * set or `aws-chunked`, is told as a warning, and then the bytes decide whether they are encoded (contract, rulings 31, 49).
 */
export function contentEncodingOf(header: string | string[] | undefined): ContentEncoding {
  const text = String(header ?? '');
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  const codings = words.flatMap((word) => CODINGS.get(word) ?? []).reverse();
  const others = words.filter((word) => word !== '' && word !== 'identity' && !CODINGS.has(word));
  const isReliable = others.length === 0 && codings.length <= MAX_CODINGS;
  return {
    decode: (body) =>
      codings.slice(0, MAX_CODINGS).reduce((inner, coding) => decoded(inner, coding, isReliable), body),
    warning: isReliable
      ? undefined
      : `the storage sends it with Content-Encoding "${plainText(text, MAX_QUOTED)}", which names what is no coding; ` +
        'its bytes decided how it was read',
  };
}

async function* decoded(body: Body, coding: Coding, isReliable: boolean): Body {
  const start = await startOf(body);
  if (start.length === 0) return;
  // Only gzip has a mark of its own.
  if (!isReliable && !(coding === gzip ? start[0] === 0x1f && start[1] === 0x8b : isBinary(start))) {
    yield start;
    yield* body;
    return;
  }
  let fault: unknown;
  const whole = async function* () {
    try {
      yield start;
      yield* body;
    } catch (error) {
      fault = error;
      throw error;
    }
  };
  const decoder = coding(start);
  // Errors of the body come out of the decoder as well.
  pipeline(Readable.from(whole()), decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    throw fault instanceof Error
      ? fault
      : new Error('its Content-Encoding cannot be decoded', { cause: error });
  }
}

/** The first chunks of a body, as many as show what it is. */
async function startOf(body: Body): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < START_BYTES) {
    const { done, value } = await body.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  return start;
}

/** Whether a body begins with bytes that no text has. The end may cut a letter. */
function isBinary(start: Buffer): boolean {
  const text = start.subarray(0, START_BYTES).toString();
  return /[\0-\x08\x0e-\x1f]|\ufffd(?!\ufffd{0,2}$)/.test(text);
}
