import { BlockList, isIP } from 'node:net';

/** Where IPv6 can hold an IPv4 address, beside the mapped form, which BlockList knows: deprecated, and NAT64. */
const EMBEDDING = ['::', '64:ff9b::'];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
// "This host": a connection to it goes to loopback.
LOOPBACK.addSubnet('0.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::', 'ipv6');

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');

for (const prefix of EMBEDDING) {
  LOOPBACK.addSubnet(`${prefix}127.0.0.0`, 104, 'ipv6');
  LINK_LOCAL.addSubnet(`${prefix}169.254.0.0`, 112, 'ipv6');
}

/** @param address an IP address, without brackets */
export function isLoopbackAddress(address: string): boolean {
  return isIn(LOOPBACK, address);
}

/** @param address an IP address, without brackets */
export function isLinkLocalAddress(address: string): boolean {
  return isIn(LINK_LOCAL, address);
}

function isIn(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** The host of a URL as net and dns take it: an IPv6 address has no brackets, a name no dot at its end. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}

/** Whether a URL's host is this machine by its own words, without a look at DNS: an address, or a name under `localhost`. */
export function isLoopbackUrl(url: URL): boolean {
  const host = hostOf(url);
  return isLoopbackAddress(host) || /(?:^|\.)localhost$/.test(host);
}
