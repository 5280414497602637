import { Agent, request, type Dispatcher } from 'undici';
import { describeNetworkError } from '../../runtime/network-error.ts';
import { failure, type FailureType } from '../../domain/failures.ts';
import { plainText } from '../../domain/text.ts';
import { contentEncodingOf, EncodingBroken } from './content-encoding.ts';
import type { FileAddresses } from './file-address.ts';
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
 * http(s) addresses of hosts that may be asked are, and no address with its signature stands in an error.
 */
export class Downloader {
  readonly #limits: DownloadLimits;
  readonly #addresses: FileAddresses;
  readonly #dispatcher: Agent;

  constructor(limits: DownloadLimits, addresses: FileAddresses) {
    this.#limits = limits;
    this.#addresses = addresses;
    this.#dispatcher = new Agent({
      connect: { timeout: 10_000, lookup: this.#addresses.lookup },
      headersTimeout: limits.idleTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    });
  }

  /**
   * The bytes of a file as they come in; throws at the end when they are not all of it.
   * @param warn is told what an operator should know about how the storage sends it
   */
  async *download(
    file: string,
    address: string,
    signal: AbortSignal,
    warn: (warning: string) => void,
  ): AsyncGenerator<Buffer> {
    const url = this.#addresses.check(file, address);
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
      const { decode, warning } = contentEncodingOf(response.headers['content-encoding']);
      if (warning !== undefined) warn(warning);
      const body = bodyOf(response, file, url, signal, trickle.signal, (count) => (received += count));
      let bytes = 0;
      for await (const chunk of decode(body)) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(file, bytes, maxBytes);
        yield chunk;
      }
      if (expected !== undefined && received !== expected) {
        throw interrupted(file, url, `${received} of ${expected} bytes arrived`);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EncodingBroken ? interrupted(file, url, error.message) : error;
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
      throw this.#addresses.failureOf(file, error) ?? interrupted(file, url, describeNetworkError(error));
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
