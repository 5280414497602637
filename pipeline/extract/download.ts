import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/common';
import { Agent, request, type Dispatcher } from 'undici';
import { describeNetworkError } from '../../runtime/network-error.ts';
import { failure, type FailureType } from '../../domain/failures.ts';
import { plainText } from '../../domain/text.ts';
import { retryAfterMs } from './retry-after.ts';

export interface DownloadLimits {
  maxBytes: number;
  /** Milliseconds without a single byte. */
  idleTimeoutMs: number;
  /** Bytes that must have come in every `idleTimeoutMs`, so that a trickle does not last for days. */
  minBytesPerIdleTimeout: number;
}

/** An overloaded storage is given this long at most before the next try. */
const MAX_RETRY_AFTER_MS = 60_000;
/** What is quoted of an address. */
const MAX_QUOTED = 300;
/** Object storage answers these for an address that is gone, expired, or not there yet. */
const NOT_AVAILABLE: ReadonlySet<number> = new Set([403, 404, 410]);

/**
 * Downloads from object storage, which never sees the report API's headers. Redirects are not followed, only
 * http(s) addresses are, and no address with its signature stands in an error.
 */
export class Downloader {
  readonly #limits: DownloadLimits;
  readonly #dispatcher: Agent;

  constructor(limits: DownloadLimits) {
    this.#limits = limits;
    this.#dispatcher = new Agent({
      connect: { timeout: 10_000 },
      headersTimeout: limits.idleTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    });
  }

  /** The bytes of a file as they come in; throws at the end when they are not all of it. */
  async *download(file: string, address: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const url = safeUrl(file, address);
    const trickle = new AbortController();
    const response = await this.#open(file, url, AbortSignal.any([signal, trickle.signal]), signal);
    let received = 0;
    let receivedBefore = 0;
    const watch = setInterval(() => {
      if (received - receivedBefore < this.#limits.minBytesPerIdleTimeout) trickle.abort();
      receivedBefore = received;
    }, this.#limits.idleTimeoutMs);
    try {
      const { maxBytes } = this.#limits;
      const expected = expectedBytes(response);
      if (expected !== undefined && expected > maxBytes) throw tooLarge(file, expected, maxBytes);
      const decoder = decoderOf(response, file);
      const body = bodyOf(response, file, url, signal, trickle.signal, (count) => (received += count));
      let bytes = 0;
      for await (const chunk of decoded(body, decoder, file, url, signal)) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(file, bytes, maxBytes);
        yield chunk;
      }
      if (expected !== undefined && received !== expected) {
        throw interrupted(file, url, `${received} of ${expected} bytes arrived`);
      }
    } finally {
      clearInterval(watch);
      giveUp(response);
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #open(
    file: string,
    url: URL,
    aborted: AbortSignal,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    let response: Dispatcher.ResponseData;
    try {
      response = await request(url, {
        // Compression would hide the file's real size; what comes compressed all the same is decoded.
        headers: { Accept: '*/*', 'Accept-Encoding': 'identity' },
        dispatcher: this.#dispatcher,
        signal: aborted,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw interrupted(file, url, describeNetworkError(error));
    }
    if (response.statusCode === 200) return response;
    giveUp(response);
    const answer = `the storage answered ${response.statusCode}`;
    if (NOT_AVAILABLE.has(response.statusCode)) {
      throw failureOf('FileNotAvailable', file, url, answer);
    }
    if (response.statusCode >= 300 && response.statusCode < 400) {
      throw failureOf('UnsafeAddress', file, url, `${answer}, and redirects are not followed`);
    }
    const wait = retryAfterMs(response.headers['retry-after'], new Date());
    throw failureOf('DownloadInterrupted', file, url, answer, wait && Math.min(wait, MAX_RETRY_AFTER_MS));
  }
}

/** A body that is destroyed unread emits an error, which would end the process if nobody listened. */
function giveUp(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => undefined).destroy();
}

async function* bodyOf(
  response: Dispatcher.ResponseData,
  file: string,
  url: URL,
  signal: AbortSignal,
  trickle: AbortSignal,
  onReceived: (bytes: number) => void,
): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      onReceived(chunk.length);
      yield chunk;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw interrupted(file, url, trickle.aborted ? 'the download is too slow' : describeNetworkError(error));
  }
}

/** Makes the decoder of a body, by its first byte. */
type DecoderFor = (first: number) => Transform;

const DECODERS: Readonly<Record<string, DecoderFor>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  // By the standard it is in zlib's format, which begins like this; some servers send it bare.
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
};

/** The body as it was before the storage encoded it, which some do although nobody has asked for it. */
async function* decoded(
  body: AsyncGenerator<Buffer, void>,
  decoderFor: DecoderFor | undefined,
  file: string,
  url: URL,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (!decoderFor) {
    yield* body;
    return;
  }
  const first = await body.next();
  const decoder = decoderFor(first.value?.[0] ?? 0);
  // Errors of the body come out of the decoder as well.
  pipeline(Readable.from(startingWith(first, body)), decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ApplicationFailure
      ? error
      : interrupted(file, url, 'its Content-Encoding cannot be decoded');
  }
}

async function* startingWith<T>({ done, value }: IteratorResult<T, void>, rest: AsyncGenerator<T>) {
  if (!done) yield value;
  yield* rest;
}

function decoderOf(response: Dispatcher.ResponseData, file: string): DecoderFor | undefined {
  const encoding = String(response.headers['content-encoding'] ?? '')
    .trim()
    .toLowerCase();
  if (encoding === '' || encoding === 'identity') return undefined;
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder) return decoder;
  throw failure(
    'FileRefused',
    `${file} is refused: the storage sends it with Content-Encoding "${plainText(encoding, 50)}"; ` +
      `${Object.keys(DECODERS).join(', ')} are decoded.`,
  );
}

function safeUrl(file: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw failure(
    'UnsafeAddress',
    `The address of ${file} is not an http(s) URL${url ? ` but ${url.protocol}` : ''}; it is not followed.`,
  );
}

function expectedBytes(response: Dispatcher.ResponseData): number | undefined {
  const length = response.headers['content-length'];
  return typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined;
}

function interrupted(file: string, url: URL, what: string) {
  return failureOf('DownloadInterrupted', file, url, what);
}

/** The address without user, password and query: the signature is a secret. */
function failureOf(type: FailureType, file: string, url: URL, what: string, nextRetryDelayMs?: number) {
  const address = plainText(`${url.origin}${url.pathname}`, MAX_QUOTED);
  return failure(
    type,
    `Download of ${file} from ${address}: ${what}.`,
    nextRetryDelayMs === undefined ? {} : { nextRetryDelayMs },
  );
}

function tooLarge(file: string, bytes: number, maxBytes: number) {
  return failure('FileTooLarge', `${file} has ${bytes} bytes or more; MAX_FILE_BYTES allows ${maxBytes}.`);
}
