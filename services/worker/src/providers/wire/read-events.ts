import type { Readable } from 'node:stream';
import { AppError } from '@nexus/common/errors/app-error';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { cutShort } from './interrupted.ts';
import { parseJson } from './parse-json.ts';
import { readBody } from './read-body.ts';

/** How much of a body without events is kept, in characters. */
const maxOther = 1_048_576;
/** The longest line, in characters. */
const maxLine = 64 * 1_048_576;
/** A line that no event stream has: neither a field nor a comment. */
const strangeLine = /^(?!(?:data|event|id|retry)\b)[^:\s]/m;

export type EventReading = {
  /** The provider's name in messages. */
  title: string;
  /** Gets the JSON of the next event, and the event's name if it has one. If it throws, the reading ends. */
  onEvent(value: unknown, name: string | undefined): void;
  /** The data of the event that ends a stream, which is not JSON. null: the protocol has no such event. */
  endMark: string | null;
};

/** How a body ended. `isMarked`: with the end mark. `other`: the whole body, if it is not an event stream. */
export type EventsRead = { isMarked: boolean; other: string | null };

/**
 * Reads the server-sent events of a body as they come, for any split of its bytes and any content type. Resolves at the end mark, or at the end
 * of a body without one. Rejects as `readBody` does.
 */
export function readEvents(body: Readable, { title, onEvent, endMark }: EventReading): Promise<EventsRead> {
  let isMarked = false;
  let isAtEnd = false;
  let hasBegun = false;
  let other = '';

  function take({ data, event }: EventSourceMessage): void {
    if (isMarked) return;
    hasBegun = true;
    const trimmed = data.trimEnd();
    if (trimmed === endMark) isMarked = true;
    else if (trimmed !== '') takeJson(data, event); // an empty event is a heartbeat
  }

  function takeJson(data: string, event: string | undefined): void {
    const value = parseJson(data);
    if (value !== undefined) {
      onEvent(value, event);
      return;
    }
    // Some servers leave out the blank line between two events.
    const lines = data.split('\n');
    if (lines.length === 1) throw unreadable();
    for (const line of lines) take({ data: line, event });
  }

  function unreadable(): AppError {
    if (isAtEnd) return cutShort(title, 'broke off in the middle of an event');
    return new AppError('provider_protocol_error', `${title} sent an event that is not JSON`);
  }

  const parser = createParser({
    maxBufferSize: maxLine,
    onEvent: take,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded')
        throw new AppError('provider_protocol_error', `${title} sent an event of more than 64 MiB`);
    },
  });

  return readBody<EventsRead>(body, {
    title,
    onText(text) {
      parser.feed(text);
      if (!hasBegun && other.length < maxOther) other += text;
      return isMarked ? { isMarked, other: null } : undefined;
    },
    onEnd() {
      isAtEnd = true;
      parser.feed('\n\n'); // some servers leave out the blank line after their last event
      return { isMarked, other: !hasBegun && strangeLine.test(other) ? other : null };
    },
  });
}
