import { parseEvent } from '@nexus/common/events/event-json';
import { Encoder, type Packet, PacketType } from 'socket.io-parser';
import { expect, it } from 'vitest';
import { eventParser } from './event-parser.ts';

const json =
  '{"seq":7,"conversationId":"c","invocationId":"i","type":"message.delta","at":"2026-01-02T03:04:05.678Z","data":{"text":"\\"grüezi\\"\\n"}}';
const event = { type: PacketType.EVENT, nsp: '/', data: ['invocation:event', parseEvent(json)] };

const packets: [string, Packet][] = [
  ['an event as it was published', event],
  ['an event read from the log', { ...event, data: ['invocation:event', JSON.parse(json)] }],
  ['one that is to be acknowledged', { ...event, id: 4 }],
  ['one of another namespace', { ...event, nsp: '/other' }],
  ['another event', { type: PacketType.EVENT, nsp: '/', data: ['connection:ready', { socketId: 's' }] }],
  ['an acknowledgement', { type: PacketType.ACK, nsp: '/', id: 1, data: [{ data: null }] }],
];

it.each(packets)("encodes %s as Socket.IO's own encoder does", (_what, packet) => {
  expect(new eventParser.Encoder().encode(packet)).toEqual(new Encoder().encode(toPlain(packet)));
});

/** The input of the default encoder: a plain object with all fields. */
function toPlain(packet: Packet): Packet {
  return { ...packet, data: JSON.parse(JSON.stringify(packet.data)) };
}
