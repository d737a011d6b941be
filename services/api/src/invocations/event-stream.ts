import type { ServerResponse } from 'node:http';
import { AppError } from '@nexus/common/errors/app-error';
import { endsInvocation, type FeedEvent, stringifyEvent } from '@nexus/common/events/event-json';
import type { ConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import type { InvocationEvent } from '@nexus/protocol/event';

const standardKeepAliveMs = 15_000;

/** How long a stream waits while Redis is away. After that the client gets `redis_unavailable`. */
const openLimitMs = 5_000;

/** Bytes that may wait for a slow reader. If more wait, the connection is closed, and the client resumes with Last-Event-ID. */
const maxWaiting = 4 * 1_048_576;

export type StreamParts = { feeds: Pick<ConversationFeeds, 'open'>; stopping: AbortSignal; keepAliveMs?: number };
export type StreamTarget = { conversationId: string; invocationId: string; after: number };

/** How a protocol writes events: of one stream, in their order. */
export type StreamFormat = {
  /** What is sent before the first event. */
  opening: string;
  /** Empty where the protocol does not show the event. */
  toFrames(event: FeedEvent): string;
  /** Whether what `toFrames` returned last was the end. */
  isOver(event: FeedEvent): boolean;
  /** The last words when the process stops. */
  stopping: string;
};

/** `id` is the seq, `event` the type, `data` the envelope. When the process stops the stream ends, to be resumed. */
const ownFormat: StreamFormat = {
  opening: '',
  toFrames: toServerSentEvent,
  isOver: endsInvocation,
  stopping: ': the server stops, resume elsewhere\n\n',
};

/** Sends an invocation's events as server-sent events, from the seq after `after` to the last one, then ends the response. */
export async function streamEvents(
  { feeds, stopping, keepAliveMs = standardKeepAliveMs }: StreamParts,
  response: ServerResponse,
  target: StreamTarget,
  format: StreamFormat = ownFormat,
): Promise<void> {
  const { conversationId, invocationId, after } = target;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const limit = AbortSignal.any([gone.signal, AbortSignal.timeout(openLimitMs)]);
  const held = await feeds.open(conversationId, limit).catch((cause: unknown) => {
    throw new AppError('redis_unavailable', undefined, { cause });
  });
  const { feed } = held;
  let stopListening = () => {};
  const keepAlive = setInterval(() => response.write(': keepalive\n\n'), keepAliveMs);
  const release = () => {
    clearInterval(keepAlive);
    stopping.removeEventListener('abort', onStopping);
    stopListening();
    held.close();
    gone.abort();
  };
  // Release at the end and not only at the close: if the reader takes nothing, the close comes late, and a write after the end is an error.
  const end = (last: string) => {
    release();
    response.end(last);
  };
  const onStopping = () => end(format.stopping);
  response.once('close', release);
  response.on('error', () => response.destroy()); // without a listener, the error would end the process
  if (response.destroyed) return release();
  stopping.addEventListener('abort', onStopping);
  writeHead(response);
  if (format.opening !== '') response.write(format.opening);

  let maxWaitingNow = maxWaiting;
  const send = (event: FeedEvent) => {
    if (response.writableEnded) return;
    const frames = format.toFrames(event);
    if (format.isOver(event)) return end(frames);
    if (frames === '') return;
    response.write(frames);
    if (response.writableLength > maxWaitingNow) response.destroy();
  };
  try {
    await feed.attach(
      invocationId,
      after,
      (missed) => {
        stopListening = feed.onEvent((event) => {
          if (event.invocationId === invocationId) send(event);
        });
        maxWaitingNow = Number.POSITIVE_INFINITY; // a long log does not mean a slow reader
        for (const event of missed) send(event);
        maxWaitingNow = maxWaiting + response.writableLength;
      },
      gone.signal,
    );
  } catch (error) {
    if (gone.signal.aborted) return;
    response.destroy();
    throw error;
  }
}

/** Sends the rest of an ended invocation as server-sent events. */
export function sendEvents(response: ServerResponse, events: InvocationEvent[], format = ownFormat): void {
  writeHead(response);
  response.end(format.opening + events.map((event) => format.toFrames(event)).join(''));
}

function toServerSentEvent(event: FeedEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${stringifyEvent(event)}\n\n`;
}

function writeHead(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
}
