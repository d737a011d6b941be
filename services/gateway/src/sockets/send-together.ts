import type { Duplex } from 'node:stream';
import { transports } from 'engine.io';
import type { Server } from 'socket.io';

type Packets = Parameters<InstanceType<typeof transports.websocket>['send']>[0];
type Engine = { createTransport(name: string, request: unknown): unknown };
type Request = ConstructorParameters<typeof transports.websocket>[0];

/** Sends all waiting packets in one write. One by one, each packet would be a system call. */
class WholeWebSocket extends transports.websocket {
  override send(packets: Packets): void {
    const connection = packets.length > 1 ? (this as unknown as Inside).socket._socket : null;
    connection?.cork();
    try {
      super.send(packets);
    } finally {
      connection?.uncork();
    }
  }
}

/** A private field of `ws`; null before the connection is open. */
type Inside = { socket: { _socket: Duplex | null } };

/**
 * Makes the server write everything that waits for a client at once. While a room's events come faster than they leave, several wait for each
 * socket: this costs one system call per socket instead of one per event.
 */
export function sendTogether(io: Pick<Server, 'engine'>): void {
  const engine = io.engine as unknown as Engine;
  const createTransport = engine.createTransport.bind(engine);
  engine.createTransport = (name, request) =>
    name === 'websocket' ? new WholeWebSocket(request as Request) : createTransport(name, request);
}
