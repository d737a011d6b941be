import { domainToASCII } from 'node:url';
import type ipaddr from 'ipaddr.js';
import { parseAddress } from './address-rule.ts';

/** What an operator lets tenants call although it is not of the public internet: host names, addresses and networks. */
export type AllowList = {
  hasHost(host: string): boolean;
  /** One that is listed itself, not only by its network or name. */
  hasAddress(address: string): boolean;
  hasNetworkOf(address: string): boolean;
};

/** Entries as ADDRESS_ALLOW_LIST has them. */
export function createAllowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>();
  const networks: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const parsed = parseAddress(address);
    if (!parsed) hosts.add(toHostName(entry));
    else if (prefix === undefined) networks.push([parsed, bitsOf(parsed)]);
    else networks.push([parsed, Math.max(0, Number(prefix) - (address.includes(':') ? 128 - bitsOf(parsed) : 0))]);
  }
  const hasMatch = (address: string, fits: (prefix: number, bits: number) => boolean) => {
    const parsed = parseAddress(address);
    return (
      parsed !== null &&
      networks.some(
        ([network, prefix]) =>
          network.kind() === parsed.kind() && fits(prefix, bitsOf(network)) && parsed.match(network, prefix),
      )
    );
  };
  return {
    hasHost: (host) => hosts.has(toHostName(host)),
    hasAddress: (address) => hasMatch(address, (prefix, bits) => prefix === bits),
    hasNetworkOf: (address) => hasMatch(address, () => true),
  };
}

/** In ASCII and lower case, without the dot that may end a name. */
export function toHostName(host: string): string {
  const name = host.replace(/\.+$/, '');
  return (domainToASCII(name) || name).toLowerCase();
}

function bitsOf(address: ipaddr.IPv4 | ipaddr.IPv6): number {
  return address.kind() === 'ipv4' ? 32 : 128;
}
