import { finished, type Readable } from 'node:stream';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** With this OpenAI ends a stream. */
const endMark = '[DONE]';
/** How long the connection may take to end after it, so that it can be used again. */
const drainMs = 500;

/**
 * The server-sent events of a body up to the end mark, however its bytes are cut. Ends without one where the body does; throws what
 * broke it. Whoever leaves before the end mark closes the connection.
 */
export async function* readEvents(body: Readable): AsyncIterable<EventSourceMessage> {
  let events: EventSourceMessage[] = [];
  let ended = false;
  let failure: Error | null | undefined;
  let complete = false;
  let wake = () => {};
  const parser = createParser({ onEvent: (event) => void events.push(event) });

  body.setEncoding('utf8');
  body.on('data', (text: string) => {
    parser.feed(text);
    wake();
  });
  finished(body, { writable: false }, (error) => {
    if (!error) parser.feed('\n\n'); // some servers leave out the blank line after their last event
    failure = error;
    ended = true;
    wake();
  });
  try {
    while (events.length > 0 || !ended) {
      const arrived = events;
      events = [];
      for (const event of arrived) {
        complete = event.data === endMark;
        if (complete) return;
        yield event;
      }
      if (events.length > 0 || ended) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure) throw failure;
  } finally {
    if (complete) drain(body);
    else body.destroy();
  }
}

function drain(body: Readable): void {
  const timer = setTimeout(() => body.destroy(), drainMs).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
}
