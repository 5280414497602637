import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { failure } from '../../domain/failures.ts';
import {
  hostOf,
  isLinkLocalAddress,
  isLoopbackAddress,
  isLoopbackUrl,
} from '../../runtime/special-addresses.ts';

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** A name has turned out to be of a host that no file may come from. */
class ForbiddenHost extends Error {}

/**
 * Where files may come from: any host but link-local ones, which serve a machine's own credentials, and loopback only where
 * the report API itself is on loopback (contract, ruling 57).
 */
export class FileAddresses {
  readonly #mayBeLoopback: boolean;
  readonly #resolve: Resolve;

  /**
   * @param reportApiUrl REPORT_API_URL
   * @param resolve another one than the system's, for tests
   */
  constructor(reportApiUrl: string, resolve: Resolve = lookup) {
    this.#mayBeLoopback = isLoopbackUrl(new URL(reportApiUrl));
    this.#resolve = resolve;
  }

  /** The address of a file; throws `UnsafeAddress`. Whatever way an IP address is written, the URL has its usual form. */
  check(file: string, address: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      throw unsafe(file, `is not an http(s) URL${url ? ` but ${url.protocol}` : ''}`);
    const what =
      this.#forbidden(hostOf(url)) ?? (!this.#mayBeLoopback && isLoopbackUrl(url) ? LOOPBACK : undefined);
    if (what !== undefined) throw unsafe(file, what);
    return url;
  }

  /** For the sockets of an Agent: the addresses of a name are checked where they are used, so none can change in between. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [what] = error ? [] : addresses.flatMap(({ address }) => this.#forbidden(address) ?? []);
      if (error ?? what !== undefined) callback(error ?? new ForbiddenHost(what), []);
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };

  /** The failure, if a request failed because of `lookup`. */
  failureOf(file: string, error: unknown) {
    return error instanceof ForbiddenHost ? unsafe(file, error.message) : undefined;
  }

  /** Why no file may come from an IP address; undefined for any other, and for a name. */
  #forbidden(address: string): string | undefined {
    if (isLinkLocalAddress(address))
      return 'is of a link-local host, where a machine asks for its own credentials';
    return !this.#mayBeLoopback && isLoopbackAddress(address) ? LOOPBACK : undefined;
  }
}

const LOOPBACK = 'is of the worker itself (loopback), where the report API (REPORT_API_URL) is not';

function unsafe(file: string, what: string) {
  return failure('UnsafeAddress', `The address of ${file} ${what}; it is not followed.`);
}
