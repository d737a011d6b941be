import type { Server } from 'socket.io';
import { type BufferedConnection, type BufferLimits, isBehind } from '../watching/watch-buffer.ts';

/** Added to the limits of live delivery. Far more than can arrive between two checks. */
const farBeyond: BufferLimits = { packets: 16_384, bytes: 64 * 1_048_576 };

type Connection = BufferedConnection & {
  transport: { socket?: { terminate(): void } };
  close(discard: true): void;
};

/**
 * Disconnects clients for whom far too much waits, and returns how many. Without live delivery, a client that does not read gets there only if it
 * keeps sending requests. Also covers connections that have not become sockets.
 */
export function disconnectUnread({ engine }: Pick<Server, 'engine'>, { packets, bytes }: BufferLimits): number {
  const limits = { packets: packets + farBeyond.packets, bytes: bytes + farBeyond.bytes };
  const connections = (engine as unknown as { clients: Record<string, Connection> }).clients;
  let disconnected = 0;
  for (const id in connections) {
    const connection = connections[id];
    if (!connection || !isBehind(connection, limits)) continue;
    disconnected += 1;
    // A WebSocket would close only after it has sent everything that waits.
    if (connection.transport.socket) connection.transport.socket.terminate();
    else connection.close(true);
  }
  return disconnected;
}
