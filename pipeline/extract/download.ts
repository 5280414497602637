import { ApplicationFailure } from '@temporalio/common';
import { Agent, request, type Dispatcher } from 'undici';
import { describeNetworkError } from '../../runtime/network-error.ts';
import { failure, type FailureType } from '../../domain/failures.ts';
import { plainText } from '../../domain/text.ts';
import { contentEncodingOf } from './content-encoding.ts';
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
    const fail = failureOf(file, url);
    const trickle = new AbortController();
    const response = await this.#open(file, url, fail, AbortSignal.any([signal, trickle.signal]), signal);
    const { maxBytes, idleTimeoutMs, minBytesPerIdleTimeout } = this.#limits;
    let received = 0;
    let receivedBefore = 0;
    const watch = setInterval(() => {
      if (received - receivedBefore < minBytesPerIdleTimeout) trickle.abort();
      receivedBefore = received;
    }, idleTimeoutMs);
    const body = async function* () {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        received += chunk.length;
        yield chunk;
      }
    };
    try {
      const length = response.headers['content-length'];
      const expected = typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined;
      if (expected !== undefined && expected > maxBytes) throw tooLarge(file, expected, maxBytes);
      const { decode, warning } = contentEncodingOf(response.headers['content-encoding']);
      if (warning !== undefined) warn(warning);
      let bytes = 0;
      for await (const chunk of decode(body())) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(file, bytes, maxBytes);
        yield chunk;
      }
      if (expected !== undefined && received !== expected) {
        throw fail('DownloadInterrupted', `${received} of ${expected} bytes arrived`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApplicationFailure) throw error;
      const what = trickle.signal.aborted ? 'the download is too slow' : describeNetworkError(error);
      throw fail('DownloadInterrupted', what);
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
    fail: Fail,
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
      throw (
        this.#addresses.failureOf(file, error) ?? fail('DownloadInterrupted', describeNetworkError(error))
      );
    }
    const { statusCode, headers } = response;
    if (statusCode === 200) return response;
    giveUp(response);
    const answer = `the storage answered ${statusCode}`;
    if (NOT_AVAILABLE.has(statusCode)) throw fail('FileNotAvailable', answer);
    if (statusCode >= 300 && statusCode < 400)
      throw fail('UnsafeAddress', `${answer}, and redirects are not followed`);
    const wait = retryAfterMs(headers['retry-after'], new Date());
    throw fail('DownloadInterrupted', answer, wait && Math.min(wait, MAX_RETRY_AFTER_MS));
  }
}

/** A body that is destroyed unread emits an error, which would end the process if nobody listened. */
function giveUp(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => undefined).destroy();
}

/** The address without user, password and query: the signature is a secret. */
function failureOf(file: string, url: URL) {
  const address = plainText(`${url.origin}${url.pathname}`, MAX_QUOTED);
  return (type: FailureType, what: string, nextRetryDelayMs?: number) =>
    failure(type, `Download of ${file} from ${address}: ${what}.`, { nextRetryDelayMs });
}

type Fail = ReturnType<typeof failureOf>;

function tooLarge(file: string, bytes: number, maxBytes: number) {
  return failure('FileTooLarge', `${file} has ${bytes} bytes or more; MAX_FILE_BYTES allows ${maxBytes}.`);
}
