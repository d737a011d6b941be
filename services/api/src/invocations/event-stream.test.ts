import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { ConversationFeed } from '@nexus/common/feeds/conversation-feed';
import type { InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it } from 'vitest';
import { streamEvents } from './event-stream.ts';

const ids = { conversationId: 'c', invocationId: 'i' };
const end = { ...ids, seq: 1, at: '', type: 'invocation.cancelled', data: {} } as InvocationEvent;

/** A feed that reads these events from the log, and has no live events. */
function feedsWith(missed: InvocationEvent[]) {
  const feed: Partial<ConversationFeed> = {
    onEvent: () => () => {},
    hasEnded: () => false,
    attach: async (_id, _cursor, goLive) => goLive(missed),
  };
  return { open: async () => ({ feed: feed as ConversationFeed, close() {} }) };
}

/** A response whose reader takes nothing, so that it closes long after its end. */
function openStalledResponse() {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const errors: unknown[] = [];
  response.on('error', (error) => errors.push(error));
  return { response, errors };
}

const keepAliveMs = 5;
const fewKeepAlives = () => new Promise((resolve) => setTimeout(resolve, 5 * keepAliveMs));

describe('a stream whose reader takes nothing', () => {
  it('gets no write after its end', async () => {
    const { response, errors } = openStalledResponse();
    const parts = { feeds: feedsWith([end]), stopping: new AbortController().signal, keepAliveMs };
    await streamEvents(parts, response, { ...ids, after: 0 });
    expect(response.writableEnded).toBe(true);
    await fewKeepAlives();
    expect(errors).toEqual([]);
  });

  it('ends once when the process stops', async () => {
    const { response, errors } = openStalledResponse();
    const stopping = new AbortController();
    const parts = { feeds: feedsWith([end]), stopping: stopping.signal, keepAliveMs };
    await streamEvents(parts, response, { ...ids, after: 0 });
    stopping.abort();
    await fewKeepAlives();
    expect(errors).toEqual([]);
  });

  it('gets no write after the stop has ended it', async () => {
    const { response, errors } = openStalledResponse();
    const stopping = new AbortController();
    const parts = { feeds: feedsWith([]), stopping: stopping.signal, keepAliveMs };
    await streamEvents(parts, response, { ...ids, after: 0 });
    stopping.abort();
    expect(response.writableEnded).toBe(true);
    await fewKeepAlives();
    expect(errors).toEqual([]);
  });

  it('ends with an error of the response', async () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const parts = { feeds: feedsWith([]), stopping: new AbortController().signal, keepAliveMs };
    await streamEvents(parts, response, { ...ids, after: 0 });
    response.emit('error', new Error('of the connection'));
    expect(response.destroyed).toBe(true);
  });
});
