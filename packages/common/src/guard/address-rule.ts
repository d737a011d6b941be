import ipaddr from 'ipaddr.js';

/** Why an address is not one of the public internet. */
export type AddressRule =
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'link_local'
  | 'unique_local'
  | 'carrier_grade_nat'
  | 'metadata'
  | 'multicast'
  | 'reserved';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const rulesOfRanges: Record<string, AddressRule> = {
  unspecified: 'unspecified',
  loopback: 'loopback',
  private: 'private',
  linkLocal: 'link_local',
  uniqueLocal: 'unique_local',
  deprecatedSiteLocal: 'private',
  carrierGradeNat: 'carrier_grade_nat',
  multicast: 'multicast',
};

/** Where clouds hand out credentials to whatever runs on their machines. Some of these lie in ranges that are public otherwise. */
const metadataAddresses = new Set([
  '169.254.169.254', // AWS, Google, Azure, DigitalOcean and others
  '169.254.170.2', // AWS, containers
  '169.254.170.23', // AWS, pods
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // AWS
  'fd00:ec2::23', // AWS, pods
  'fd20:ce::254', // Google
]);

/** The whole of global unicast (RFC 4291): what lies outside of it and has no name yet is reserved. */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];
const nat64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96];
/** IPv4-compatible (RFC 4291), which nothing uses any more, and the translated addresses of RFC 6145. */
const wrappers: [ipaddr.IPv6, number][] = [
  [ipaddr.IPv6.parse('::'), 96],
  [ipaddr.IPv6.parse('::ffff:0:0:0'), 96],
];

/** The rule that keeps an address from being called; null: it is a public one. What is no address at all counts as reserved. */
export function findAddressRule(text: string): AddressRule | null {
  const address = parseAddress(text);
  return address === null ? 'reserved' : ruleOf(address);
}

/**
 * An address in any notation, null for what is none. IPv4 that is mapped into IPv6, or translated by NAT64 with its well-known prefix, is
 * the IPv4 address that the packets reach.
 */
export function parseAddress(text: string): Address | null {
  const plain = withoutDots(text);
  if (!ipaddr.isValid(plain)) return null;
  const address = ipaddr.parse(plain);
  if (address.kind() === 'ipv4') return address;
  const v6 = address as ipaddr.IPv6;
  if (v6.isIPv4MappedAddress()) return v6.toIPv4Address();
  return v6.match(nat64) ? embedded(v6, 12) : v6;
}

function ruleOf(address: Address): AddressRule | null {
  if (metadataAddresses.has(withoutZone(address))) return 'metadata';
  const range: string = address.range();
  if (address.kind() === 'ipv4') return range === 'unicast' ? null : (rulesOfRanges[range] ?? 'reserved');
  const v6 = address as ipaddr.IPv6;
  const named = rulesOfRanges[range];
  if (named) return named;
  if (wrappers.some((wrapper) => v6.match(wrapper))) return ruleOf(embedded(v6, 12)) ?? 'reserved';
  if (range === '6to4') return ruleOf(embedded(v6, 2)) ?? 'reserved';
  return range === 'unicast' && v6.match(globalUnicast) ? null : 'reserved';
}

/** The four bytes of an IPv6 address from here on, as IPv4. */
function embedded(address: ipaddr.IPv6, from: number): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(from, from + 4));
}

/** IPv6 in hex alone: the library takes `::8.8.8.8`, which is an address of its own, for `::ffff:8.8.8.8`. */
function withoutDots(text: string): string {
  const url = `http://[${text}]`;
  return text.includes(':') && text.includes('.') && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : text;
}

function withoutZone(address: Address): string {
  return address.toString().replace(/%.*$/, '');
}
