import { type EventType, type InvocationEvent, isLastEvent, isTerminalType } from '@nexus/protocol/event';
import type { LogAddress } from './event-log-names.ts';

/** The envelope as JSON, without its opening brace and its seq: the append script adds both. Only `data` may need escaping. */
export function toLogJson(
  { conversationId, invocationId }: LogAddress,
  at: string,
  type: EventType,
  data: unknown,
): string {
  return `"conversationId":"${conversationId}","invocationId":"${invocationId}","type":"${type}","at":"${at}","data":${JSON.stringify(data)}}`;
}

/** The text that `toLogJson` and the script write before the data. */
const head =
  /^\{"seq":(\d+),"conversationId":"[^"\\]+","invocationId":"([^"\\]+)","type":"([a-z.]+)","at":"[^"\\]+","data":/;

/**
 * An event as it was published. Its JSON goes on to clients unchanged: to parse and write it again is a tenth of a gateway's work. Only the head
 * has been read; `read` parses the rest. A copy of the fields has no less than the event, since `json` is one of them.
 */
export class PublishedEvent {
  readonly seq: number;
  readonly invocationId: string;
  readonly type: EventType;
  readonly json: string;
  #whole: InvocationEvent | undefined;

  constructor({ seq, invocationId, type }: Pick<InvocationEvent, 'seq' | 'invocationId' | 'type'>, json: string) {
    this.seq = seq;
    this.invocationId = invocationId;
    this.type = type;
    this.json = json;
  }

  read(): InvocationEvent {
    this.#whole ??= JSON.parse(this.json) as InvocationEvent;
    return this.#whole;
  }

  /** For `JSON.stringify`: the event itself. */
  toJSON(): InvocationEvent {
    return this.read();
  }
}

/** An event on its way to clients: as it was published, or read from the log or from Postgres. */
export type FeedEvent = PublishedEvent | InvocationEvent;

/**
 * What was published, as an event. What follows a head that is ours is taken on trust: nobody else publishes there. Throws a SyntaxError where
 * there is neither such a head nor JSON.
 */
export function parseEvent(json: string): PublishedEvent {
  const match = head.exec(json);
  if (!match) return new PublishedEvent(JSON.parse(json), json);
  const [, seq, invocationId = '', type] = match;
  return new PublishedEvent({ seq: Number(seq), invocationId, type: type as EventType }, json);
}

/** The event as JSON. A published event keeps its original text. */
export function stringifyEvent(event: FeedEvent): string {
  return event instanceof PublishedEvent ? event.json : JSON.stringify(event);
}

/** Whether nothing can follow; only of a snapshot it has to be read. */
export function endsInvocation(event: FeedEvent): boolean {
  if (!(event instanceof PublishedEvent)) return isLastEvent(event);
  return event.type === 'invocation.snapshot' ? isLastEvent(event.read()) : isTerminalType(event.type);
}

/** The event with all its fields, parsed where only its head was read so far. */
export function wholeEvent(event: FeedEvent): InvocationEvent {
  return event instanceof PublishedEvent ? event.read() : event;
}
