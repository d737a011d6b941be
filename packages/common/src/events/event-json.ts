import type { EventType, InvocationEvent } from '@nexus/protocol/event';
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
 * A published event with its original JSON, which goes to clients unchanged. Parsing all of it and writing it again would take a tenth of a
 * gateway's CPU. Only the head is parsed; the other fields are parsed when they are used.
 */
class PublishedEvent {
  readonly seq: number;
  readonly invocationId: string;
  readonly type: string;
  readonly json: string;
  #whole: InvocationEvent | undefined;

  constructor([, seq, invocationId, type]: string[], json: string) {
    this.seq = Number(seq);
    this.invocationId = invocationId as string;
    this.type = type as string;
    this.json = json;
  }

  get conversationId(): string {
    return this.toJSON().conversationId;
  }

  get at(): string {
    return this.toJSON().at;
  }

  get data(): unknown {
    return this.toJSON().data;
  }

  toJSON(): InvocationEvent {
    this.#whole ??= JSON.parse(this.json) as InvocationEvent;
    return this.#whole;
  }
}

/**
 * Parses a published event. After a known head the rest is trusted, because only our services publish there. Most fields are getters, so a spread
 * does not copy them. Throws a SyntaxError if there is no such head and the text is not JSON.
 */
export function parseEvent(json: string): InvocationEvent {
  const match = head.exec(json);
  return match ? (new PublishedEvent(match, json) as InvocationEvent) : JSON.parse(json);
}

/** The event as JSON. A published event keeps its original text. */
export function stringifyEvent(event: InvocationEvent): string {
  return event instanceof PublishedEvent ? event.json : JSON.stringify(event);
}
