import type { IncomingMessage } from 'node:http';
import type { AddressReader } from '@nexus/common/limits/caller-address';
import type { OpenAtOnce } from '@nexus/common/limits/open-at-once';

/** Of Engine.IO. */
export type Connection = {
  request: IncomingMessage;
  once(name: 'close', listener: () => void): unknown;
  close(): unknown;
};

/**
 * Counts connections for their addresses, until they are closed or it is known whose key they came with: who shows none could open them without
 * end.
 */
export function createUnidentified(openPerAddress: OpenAtOnce | null, readAddress: AddressReader) {
  const places = new WeakMap<object, () => void>();
  return {
    hold(connection: Connection): void {
      if (!openPerAddress) return;
      const address = readAddress(connection.request);
      if (!openPerAddress.hasRoom(address)) return void connection.close(); // several were let in at the same moment
      const release = openPerAddress.hold(address);
      places.set(connection, release);
      connection.once('close', release);
    },
    /** It counts for its key from now on. */
    release: (connection: object) => places.get(connection)?.(),
  };
}
