import type { InvocationEvent } from '@nexus/protocol/event';
import type { Redis } from '../redis/redis-connection.ts';
import { type LogAddress, logKey } from './event-log-names.ts';

/** Bounds one read: a long log comes in pages. */
const pageSize = 500;

/** `attempts` says of each event which one said it; 0 for what is said before the first. */
export type LogPage = { events: InvocationEvent[]; attempts: number[]; more: boolean };

/** Up to a page of events with a seq above `after`, oldest first. Empty both for a log at its end and for one that is gone. */
export async function readLog(redis: Redis, address: LogAddress, after: number): Promise<LogPage> {
  const key = logKey(address.conversationId, address.invocationId);
  const entries = await redis.xrange(key, `0-${after + 1}`, '+', 'COUNT', pageSize);
  return {
    events: entries.map(([id, fields]) => parseEntry(id, fields)),
    attempts: entries.map(([, fields]) => Number(fields[1])),
    more: entries.length === pageSize,
  };
}

/** The seq of the newest event; 0 when there is no log. */
export async function readLastSeq(redis: Redis, address: LogAddress): Promise<number> {
  const [last] = await redis.xrevrange(logKey(address.conversationId, address.invocationId), '+', '-', 'COUNT', 1);
  return last ? seqOf(last[0]) : 0;
}

/** What may stand in a log before its first attempt: that it waits. */
export const queuedEvents = 1;

/**
 * The seq that the next event is going to have, for a row that is about to say so. Where there is no log, or Redis does not say, as if that it
 * waits were said already: it may be at this moment. Too high, a reader that comes back after the log has expired is sent the end
 * again; too low, it would not be sent it at all.
 */
export async function foreseeSeq(redis: Redis, address: LogAddress): Promise<number> {
  return 1 + Math.max(queuedEvents, await readLastSeq(redis, address).catch(() => 0));
}

function seqOf(id: string): number {
  return Number(id.slice(2));
}

function parseEntry(id: string, fields: string[]): InvocationEvent {
  return JSON.parse(`{"seq":${seqOf(id)},${fields[5]}`) as InvocationEvent;
}

/**
 * Neighbouring deltas of one kind as one event: its `seq` is that of the last, its `from` that of the first. Everything else is left as it
 * is.
 */
export function joinDeltas(events: InvocationEvent[]): InvocationEvent[] {
  const joined: InvocationEvent[] = [];
  for (const event of events) {
    const previous = joined.at(-1);
    if (previous && isDelta(event) && isDelta(previous) && follows(event, previous))
      joined[joined.length - 1] = join(previous, event);
    else joined.push(event);
  }
  return joined;
}

function follows(event: DeltaEvent, previous: DeltaEvent): boolean {
  return previous.type === event.type && previous.seq + 1 === event.seq;
}

/** By name: of an event as it was published a spread would have half. */
function join(previous: DeltaEvent, { conversationId, invocationId, seq, type, at, data }: DeltaEvent): DeltaEvent {
  const text = previous.data.text + data.text;
  return { conversationId, invocationId, seq, from: previous.from ?? previous.seq, type, at, data: { text } };
}

type DeltaEvent = Extract<InvocationEvent, { type: 'message.delta' | 'reasoning.delta' }>;

function isDelta(event: InvocationEvent): event is DeltaEvent {
  return event.type === 'message.delta' || event.type === 'reasoning.delta';
}
