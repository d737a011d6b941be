import type { IncomingMessage } from 'node:http';
import type { AddressReader } from '@nexus/common/limits/caller-address';
import type { OpenAtOnce } from '@nexus/common/limits/open-at-once';

/** What is kept of the request that a connection came with. */
export type Arrival = {
  address: string;
  authorization: string | undefined;
  /** Its place among the connections of its address, until it is known whose key it shows. */
  leave?: () => void;
};

/** Of Engine.IO. */
export type Connection = { request: unknown; once(name: 'close', listener: () => void): unknown; close(): unknown };

export type Arrivals = {
  /** Keeps what is needed of the connection's request and lets the request go, as Socket.IO's notes on memory advise. */
  note(connection: Connection): void;
  of(connection: object): Arrival;
};

/** Connections count for their addresses until they show a key: others could be opened without end. */
export function createArrivals(openPerAddress: OpenAtOnce | null, readAddress: AddressReader): Arrivals {
  const arrivals = new WeakMap<object, Arrival>();
  return {
    note(connection) {
      const request = connection.request as IncomingMessage;
      const arrival: Arrival = { address: readAddress(request), authorization: request.headers.authorization };
      arrivals.set(connection, arrival);
      connection.request = null;
      if (!openPerAddress) return;
      if (!openPerAddress.hasRoom(arrival.address)) return void connection.close(); // several were let in at once
      arrival.leave = openPerAddress.hold(arrival.address);
      connection.once('close', arrival.leave);
    },
    of: (connection) => arrivals.get(connection) ?? { address: 'unknown', authorization: undefined },
  };
}
