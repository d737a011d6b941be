import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

type Asking = { headers: IncomingHttpHeaders; socket: { remoteAddress?: string | undefined } };

/** The address that a request counts for. */
export type AddressReader = (asking: Asking) => string;

/** The groups of a /64. The owner of one IPv6 address usually has its whole /64, and could evade a limit per address. */
const ipv6Groups = 4;

/**
 * Reads the address that a request comes from: that of the connection or, where this is a trusted proxy's, what X-Forwarded-For says, as far
 * as trusted proxies wrote it.
 */
export function createAddressReader(trustedProxies: string[]): AddressReader {
  const isTrusted = proxyAddr.compile(trustedProxies);
  return (asking) => toCallerAddress(proxyAddr(asking as IncomingMessage, isTrusted));
}

/** What limits count an address as: an IPv4 address, or the /64 network of an IPv6 address. */
export function toCallerAddress(address: string | undefined): string {
  if (!address || !ipaddr.isValid(address)) return 'unknown'; // the connection is gone, or a proxy wrote nonsense
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const network = parsed.parts.slice(0, ipv6Groups).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
