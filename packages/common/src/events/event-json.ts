import type { EventType, InvocationEvent } from '@nexus/protocol/event';
import type { LogAddress } from './event-log-names.ts';

/** The envelope as JSON, without its opening brace and its seq: the script that appends it puts both in front. Only its data needs to be escaped. */
export function toLogJson(
  { conversationId, invocationId }: LogAddress,
  at: string,
  type: EventType,
  data: unknown,
): string {
  return `"conversationId":"${conversationId}","invocationId":"${invocationId}","type":"${type}","at":"${at}","data":${JSON.stringify(data)}}`;
}

/** What `toLogJson` and the script write before the data. */
const head =
  /^\{"seq":(\d+),"conversationId":"[^"\\]+","invocationId":"([^"\\]+)","type":"([a-z.]+)","at":"[^"\\]+","data":/;

/**
 * An event as it was published, with the JSON that goes on to clients as it is: to read it all, only to write it again, is a tenth of
 * what a gateway does. Only its head has been read; the rest is when somebody asks for it.
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
 * What was published, as an event. What follows a head that is ours is taken on trust: nobody else publishes there. Most of its fields
 * are read on demand, so that a spread does not have them. Throws a SyntaxError where there is neither such a head nor JSON.
 */
export function parseEvent(json: string): InvocationEvent {
  const match = head.exec(json);
  return match ? (new PublishedEvent(match, json) as InvocationEvent) : JSON.parse(json);
}

/** The event as JSON: as it was published, where it was. */
export function stringifyEvent(event: InvocationEvent): string {
  return event instanceof PublishedEvent ? event.json : JSON.stringify(event);
}
