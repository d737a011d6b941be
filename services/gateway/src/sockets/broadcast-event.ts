import type { FeedEvent } from '@nexus/common/events/event-json';
import { eventName } from '@nexus/protocol/socket-events';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';

const noSockets = new Set<string>();
const localOnly = { local: true };

/** Sends to every socket in the room, like `io.local.to(room).emit`, which makes three more objects and two sets for each event. */
export function broadcastEvent({ adapter }: Pick<Namespace, 'adapter'>, room: string, event: FeedEvent): void {
  const packet = { type: PacketType.EVENT, data: [eventName, event] };
  adapter.broadcast(packet, { rooms: new Set([room]), except: noSockets, flags: localOnly });
}
