import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConversationFeed } from '@nexus/common/conversation-feed';
import type { InvocationEvent } from '@nexus/common/event';
import { describe, expect, it, vi } from 'vitest';
import { type WaitParts, waitForEnd } from './wait-for-end.ts';

const ids = { conversationId: 'c', invocationId: 'i' };
const end = { ...ids, seq: 1, at: '', type: 'invocation.cancelled', data: {} } as InvocationEvent;
const { signal: never } = new AbortController();

/** With a feed that can be attached to as this says. */
function partsWith(attach: ConversationFeed['attach'], more: Partial<WaitParts> = {}): WaitParts {
  const feed: Partial<ConversationFeed> = { onEvent: () => () => {}, hasEnded: () => false, attach };
  return {
    feeds: { open: async () => ({ feed: feed as ConversationFeed, close() {} }) },
    stopping: never,
    canHear: () => true,
    isOver: async () => false,
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

  it('is not cut short by a Redis that is away for a moment', async () => {
    let asked = 0;
    const attach: ConversationFeed['attach'] = (...args) => {
      asked += 1;
      return asked === 1 ? away(...args) : missing([end])(...args);
    };
    await waitForEnd(partsWith(attach), ids, never);
    expect(asked).toBe(2);
  });

  it('asks Postgres for as long as Redis is away, and hears of the end', async () => {
    const answers = [new Error('away as well'), false, true];
    const asked: unknown[] = [];
    const parts = partsWith(away, {
      canHear: () => false,
      async isOver(target) {
        asked.push(target);
        const answer = answers.shift() ?? true;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    await waitForEnd(parts, ids, never);
    expect(asked).toEqual([ids, ids, ids]);
  });

  it('asks nobody while it can hear, and is over with its limit', async () => {
    const isOver = vi.fn(async () => true);
    const limit = AbortSignal.timeout(1_500);
    await waitForEnd(partsWith(missing([]), { isOver }), ids, limit);
    expect(limit.aborted).toBe(true);
    expect(isOver).not.toHaveBeenCalled();
  });

  it('leaves nothing behind', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const parts = partsWith(missing([end]));
    const waitOften = async () => {
      for (let count = 0; count < 20_000; count += 1) await waitForEnd(parts, ids, new AbortController().signal);
      await new Promise((resolve) => setTimeout(resolve)); // what was referred to weakly is let go of between tasks
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await waitOften();
    expect((await waitOften()) - before).toBeLessThan(20_000 * 200);
  });
});
