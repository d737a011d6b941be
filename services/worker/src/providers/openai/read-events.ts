import { finished, type Readable } from 'node:stream';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** With this OpenAI ends a stream. */
const endMark = '[DONE]';
/** How long the connection may take to end after it, so that it can be used again. */
const drainMs = 500;
/** How much of a body without events is kept, in characters. */
const longestOther = 1_048_576;
/** A line that no event stream has: neither a field nor a comment. */
const strangeLine = /^(?!(?:data|event|id|retry)\b)[^:\s]/m;

/**
 * Tells the server-sent events of a body as they come, however its bytes are cut. Resolves at the end mark, or where the body ends without
 * one; rejects with what broke it, or with what `onEvent` threw, and then closes the connection. A body that turns out to be no event
 * stream is resolved with, whatever type it claims to be of: servers that send events as plain text are heard all the same.
 */
export function readEvents(body: Readable, onEvent: (event: EventSourceMessage) => void): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let over = false;
    let begun = false;
    let other = '';
    const parser = createParser({
      onEvent(event) {
        if (over) return;
        begun = true;
        if (event.data !== endMark) return onEvent(event);
        over = true;
        drain(body);
        resolve(null);
      },
    });

    function feed(text: string): void {
      try {
        if (!over) parser.feed(text);
        if (!begun && other.length < longestOther) other += text;
      } catch (error) {
        fail(error);
      }
    }

    function fail(error: unknown): void {
      over = true;
      body.destroy();
      reject(error);
    }

    body.setEncoding('utf8');
    body.on('data', feed);
    finished(body, { writable: false }, (error) => {
      if (over) return;
      if (error) return fail(error);
      feed('\n\n'); // some servers leave out the blank line after their last event
      over = true;
      resolve(!begun && strangeLine.test(other) ? other : null);
    });
  });
}

function drain(body: Readable): void {
  const timer = setTimeout(() => body.destroy(), drainMs).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
}
