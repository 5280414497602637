import { Agent, request, type Dispatcher } from 'undici';
import { describeNetworkError } from '../../runtime/network-error.ts';
import { failure, type FailureType } from '../../domain/failures.ts';
import { plainText } from '../../domain/text.ts';
import { httpAttributes, withSpan } from '../../runtime/tracing/span.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
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

export interface Downloaded {
  bytes: number;
  sha256: string;
  /** What an operator should know about how the storage sent it. */
  warnings: string[];
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

  /** Writes the file under a temporary name, checks its size, then renames it to `target`. */
  async download(file: string, address: string, target: string, signal: AbortSignal): Promise<Downloaded> {
    const url = this.#addresses.check(file, address);
    return await withSpan(`GET ${file}`, httpAttributes('GET', url), async (span) => {
      const downloaded = await this.#download(file, url, target, signal);
      span.setAttributes({ 'http.response.body.size': downloaded.bytes });
      return downloaded;
    });
  }

  async #download(file: string, url: URL, target: string, signal: AbortSignal): Promise<Downloaded> {
    const trickle = new AbortController();
    const aborted = AbortSignal.any([signal, trickle.signal]);
    const response = await this.#open(file, url, aborted, signal);
    const expected = expectedBytes(response);
    if (expected !== undefined && expected > this.#limits.maxBytes) {
      giveUp(response);
      throw tooLarge(file, expected, this.#limits.maxBytes);
    }
    const { decode, warning } = contentEncodingOf(response.headers['content-encoding']);
    let output: AtomicFile;
    try {
      output = await AtomicFile.create(target);
    } catch (error) {
      giveUp(response);
      throw error;
    }
    let received = 0;
    let receivedBefore = 0;
    const watch = setInterval(() => {
      if (received - receivedBefore < this.#limits.minBytesPerIdleTimeout) trickle.abort();
      receivedBefore = received;
    }, this.#limits.idleTimeoutMs);
    let bytes = 0;
    try {
      const body = bodyOf(response, file, url, signal, trickle.signal, (count) => (received += count));
      for await (const chunk of decode(body)) {
        bytes += chunk.length;
        if (bytes > this.#limits.maxBytes) throw tooLarge(file, bytes, this.#limits.maxBytes);
        output.write(chunk);
        await output.flush();
      }
      if (expected !== undefined && received !== expected) {
        throw interrupted(file, url, `${received} of ${expected} bytes arrived`);
      }
      return { bytes, sha256: await output.commit(), warnings: warning === undefined ? [] : [warning] };
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EncodingBroken ? interrupted(file, url, error.message) : error;
    } finally {
      clearInterval(watch);
      giveUp(response);
      await output.discard();
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
