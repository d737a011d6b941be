import type { Duplex } from 'node:stream';
import { transports } from 'engine.io';
import type { Server } from 'socket.io';

type Packets = Parameters<InstanceType<typeof transports.websocket>['send']>[0];
type Engine = { createTransport(name: string, request: unknown): unknown };
type Request = ConstructorParameters<typeof transports.websocket>[0];

/** What waits for a client goes to its connection in one write: one by one, each packet is a system call. */
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

/** Of `ws`; null before it is open. */
type Inside = { socket: { _socket: Duplex | null } };

/**
 * Lets the server write what it has for a client by then at once. While a room's events come faster than they are sent, several wait for
 * each of its sockets, and to write them costs a system call per socket instead of one per event.
 */
export function sendTogether(io: Pick<Server, 'engine'>): void {
  const engine = io.engine as unknown as Engine;
  const createTransport = engine.createTransport.bind(engine);
  engine.createTransport = (name, request) =>
    name === 'websocket' ? new WholeWebSocket(request as Request) : createTransport(name, request);
}
