import { AppError } from '../errors/app-error.ts';
import { type AddressRule, findAddressRule, parseAddress } from './address-rule.ts';
import { createAllowList, toHostName } from './allow-list.ts';

/** RFC 6761: whatever a resolver says of it. */
const loopbackName = /^(?:.*\.)?localhost$/;

/** Decides which addresses a tenant's URL may lead to. Each throws `address_not_allowed`, which names the rule and no address. */
export type AddressGuard = {
  /** An address to which this host name leads, or the host itself. */
  assertAddress(host: string, address: string): void;
  /** Only a host that is an address itself, or a name of this machine: other names are checked when a socket connects. */
  assertHost(host: string): void;
  /** http or https, and not to an address that may not be called. */
  assertUrl(url: URL): void;
};

/** `entries` as ADDRESS_ALLOW_LIST has them. Metadata services are open only to an entry that is exactly their address. */
export function createAddressGuard(entries: readonly string[]): AddressGuard {
  const allowed = createAllowList(entries);

  const isAllowed = (rule: AddressRule, host: string, address: string) => {
    if (rule === 'metadata') return allowed.hasAddress(address);
    return allowed.hasNetworkOf(address) || allowed.hasHost(host);
  };

  function assertAddress(host: string, address: string): void {
    const rule = findAddressRule(address);
    if (rule === null || isAllowed(rule, host, address)) return;
    throw notAllowed(`The host ${host} leads to an address that may not be called (${rule})`);
  }

  function assertHost(host: string): void {
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    if (parseAddress(bare)) assertAddress(bare, bare);
    else if (loopbackName.test(toHostName(bare))) assertAddress(bare, '127.0.0.1');
  }

  return {
    assertAddress,
    assertHost,
    assertUrl({ protocol, hostname }) {
      if (protocol !== 'http:' && protocol !== 'https:')
        throw notAllowed('Only http and https addresses may be called (scheme)');
      assertHost(hostname);
    },
  };
}

function notAllowed(message: string): AppError {
  return new AppError('address_not_allowed', message);
}
