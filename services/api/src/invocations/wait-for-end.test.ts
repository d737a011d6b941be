import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConversationFeed } from '@nexus/common/feeds/conversation-feed';
import type { InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it, vi } from 'vitest';
import { type WaitParts, waitForEnd } from './wait-for-end.ts';

const ids = { conversationId: 'c', invocationId: 'i' };
const end = { ...ids, seq: 1, at: '', type: 'invocation.cancelled', data: {} } as InvocationEvent;
const { signal: never } = new AbortController();

/** Waits on a feed with this `attach`. */
function partsWith(
  attach: ConversationFeed['attach'],
  more: Partial<WaitParts> = {},
  onListening: (hear: (event: InvocationEvent) => void) => void = () => {},
): WaitParts {
  const feed: Partial<ConversationFeed> = {
    onEvent(hear) {
      onListening(hear);
      return () => {};
    },
    hasEnded: () => false,
    attach,
  };
  return {
    feeds: { open: async () => ({ feed: feed as ConversationFeed, close() {} }) },
    stopping: never,
    isOver: async () => false,
    onTrouble: () => {},
    retryMs: 1,
    lookEveryMs: 20,
    ...more,
  };
}

const missing =
  (events: InvocationEvent[]): ConversationFeed['attach'] =>
  async (_id, _cursor, goLive) =>
    goLive(events);

const away: ConversationFeed['attach'] = async () => {
  throw new Error('Redis is away');
};

describe('a wait for the end', () => {
  it('ends when the process stops', async () => {
    const stopping = new AbortController();
    const waiting = waitForEnd(partsWith(missing([]), { stopping: stopping.signal }), ids, never);
    stopping.abort();
    await waiting;
  });

  it('does not end early if Redis is away for a moment', async () => {
    let asked = 0;
    const attach: ConversationFeed['attach'] = (...args) => {
      asked += 1;
      return asked < 3 ? away(...args) : missing([end])(...args);
    };
    const onTrouble = vi.fn();
    await waitForEnd(partsWith(attach, { onTrouble }), ids, never);
    expect(asked).toBe(3);
    expect(onTrouble.mock.calls).toEqual([[new Error('Redis is away'), ids]]);
  });

  it.each([
    ['cannot be read', away],
    ['has no events', missing([])],
    ['never answers', () => new Promise<void>(() => {})],
  ])(
    'asks Postgres if the log %s, until the invocation has ended',
    async (_how, attach: ConversationFeed['attach']) => {
      const answers = [new Error('away as well'), false, true];
      const isOver = vi.fn(async () => {
        const answer = answers.shift() ?? true;
        if (answer instanceof Error) throw answer;
        return answer;
      });
      await waitForEnd(partsWith(attach, { isOver }), ids, never);
      expect(isOver.mock.calls).toEqual([[ids], [ids], [ids]]);
    },
  );

  it('does not ask Postgres while events arrive, and ends at its limit', async () => {
    const delta = { ...end, type: 'message.delta', data: { text: 'more' } } as InvocationEvent;
    let hear: (event: InvocationEvent) => void = () => {};
    const isOver = vi.fn(async () => true);
    const parts = partsWith(missing([]), { isOver, lookEveryMs: 1_000 }, (listener) => {
      hear = listener;
    });
    const speaking = setInterval(() => hear(delta), 10);
    const limit = AbortSignal.timeout(1_200);
    await waitForEnd(parts, ids, limit);
    clearInterval(speaking);
    expect(limit.aborted).toBe(true);
    expect(isOver).not.toHaveBeenCalled();
  });

  it('leaves nothing behind', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const parts = partsWith(missing([end]));
    const waitOften = async () => {
      for (let count = 0; count < 20_000; count += 1) await waitForEnd(parts, ids, new AbortController().signal);
      await new Promise((resolve) => setTimeout(resolve)); // weak references are cleared between tasks
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await waitOften();
    expect((await waitOften()) - before).toBeLessThan(20_000 * 200);
  });
});
