import { promises as dns, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';

/** All addresses of a name. */
export type Resolve = (host: string, options: LookupOptions) => Promise<LookupAddress[]>;

const connectLimitMs = 10_000;

const resolveBySystem: Resolve = (host, options) => dns.lookup(host, { ...options, all: true });

/**
 * Opens sockets only to addresses that the guard allows. The socket connects to the very address that was checked: it asks no
 * second time, so a name that changes its mind in between (DNS rebinding) gains nothing.
 */
export function createGuardedConnector(
  guard: AddressGuard,
  resolve: Resolve = resolveBySystem,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: connectLimitMs,
    lookup: createGuardedLookup(guard, resolve),
    autoSelectFamily: true,
  } as buildConnector.BuildOptions);
  return (options, callback) => {
    try {
      guard.assertHost(options.hostname); // Node looks up no address
    } catch (error) {
      return callback(error as Error, null);
    }
    connect(options, callback);
  };
}

/** A name with several addresses of which one may not be called is refused: which of them is tried first is not in our hands. */
function createGuardedLookup(guard: AddressGuard, resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options).then(
      (found) => {
        try {
          for (const { address } of found) guard.assertAddress(host, address);
        } catch (error) {
          return callback(error as Error, []);
        }
        const [first] = found;
        if (!first) callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
        else if (options.all) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}
