import type { FeedEvent } from '@nexus/common/events/event-json';
import { eventName } from '@nexus/protocol/socket-events';
import type { Namespace } from 'socket.io';
import { PacketType } from 'socket.io-parser';

const nobody = new Set<string>();
const localOnly = { local: true };

/** To every socket in the room, as `io.local.to(room).emit` does, which makes three more objects and two sets for each event. */
export function broadcastEvent({ adapter }: Pick<Namespace, 'adapter'>, room: string, event: FeedEvent): void {
  const packet = { type: PacketType.EVENT, data: [eventName, event] };
  adapter.broadcast(packet, { rooms: new Set([room]), except: nobody, flags: localOnly });
}
