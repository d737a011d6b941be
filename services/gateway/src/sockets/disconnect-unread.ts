import type { Server } from 'socket.io';
import { type BufferedConnection, type BufferLimits, isBehind } from '../watching/watch-buffer.ts';

/** On top of what takes a client off live delivery: far more than comes between two checks. */
const farBeyond: BufferLimits = { packets: 16_384, bytes: 64 * 1_048_576 };

type Connection = BufferedConnection & {
  transport: { socket?: { terminate(): void } };
  close(discard: true): void;
};

/**
 * Disconnects those for whom far too much waits, and returns how many: off live delivery, one that does not read gets there only by asking
 * on and on. Connections that have not become sockets are among them.
 */
export function disconnectUnread({ engine }: Pick<Server, 'engine'>, { packets, bytes }: BufferLimits): number {
  const limits = { packets: packets + farBeyond.packets, bytes: bytes + farBeyond.bytes };
  const connections = (engine as unknown as { clients: Record<string, Connection> }).clients;
  let disconnected = 0;
  for (const id in connections) {
    const connection = connections[id];
    if (!connection || !isBehind(connection, limits)) continue;
    disconnected += 1;
    // A WebSocket would close only after all that waits.
    if (connection.transport.socket) connection.transport.socket.terminate();
    else connection.close(true);
  }
  return disconnected;
}
