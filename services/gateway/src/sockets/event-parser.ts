import { type FeedEvent, stringifyEvent } from '@nexus/common/events/event-json';
import { eventName } from '@nexus/protocol/socket-events';
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser';

/** Writes an invocation's event with its original JSON. Everything else, and the bytes on the wire, are as in Socket.IO's own parser. */
class EventEncoder extends Encoder {
  override encode(packet: Packet) {
    const { type, nsp, id, data } = packet;
    if (type !== PacketType.EVENT || nsp !== '/' || id !== undefined || data[0] !== eventName)
      return super.encode(packet);
    return [`${PacketType.EVENT}["${eventName}",${stringifyEvent(data[1] as FeedEvent)}]`];
  }
}

/** For Socket.IO's option `parser`. */
export const eventParser = { Encoder: EventEncoder, Decoder };
