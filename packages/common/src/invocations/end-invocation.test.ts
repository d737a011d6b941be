import { describe, expect, it, vi } from 'vitest';
import { createFakeDatabase } from '../../../../tests/support/create-fake-database.ts';
import { endInvocation } from './end-invocation.ts';
import type { Ended } from './status/ended.ts';

const ended: Ended = {
  status: 'completed',
  messageId: 'm',
  hasNext: false,
  provider: 'echo',
  durationMs: 1,
  firstPartMs: 1,
  cancelMs: null,
};
const next = { invocationId: 'next', conversationId: 'c', dispatch: 1, provider: 'echo', delayMs: 0 };

function setUp(dispatchNext: unknown[] | Error = [next]) {
  const { database, ran } = createFakeDatabase({ dispatchNext: [dispatchNext] });
  const queues = { add: vi.fn(async () => {}) };
  const logger = { warn: vi.fn() };
  const metrics = { ended: vi.fn() };
  const announce = vi.fn(async () => {});
  const parts = { database, queues, logger, metrics };
  const end = (written: { ended: Ended | null } | null) => endInvocation(parts, 'c', async () => written, announce);
  return { end, ran, queues, logger, metrics, announce };
}

describe('the end of an invocation', () => {
  it('is counted and announced after it is written', async () => {
    const { end, metrics, announce, ran } = setUp();
    const written = { ended };
    expect(await end(written)).toBe(written);
    expect(metrics.ended).toHaveBeenCalledExactlyOnceWith(ended);
    expect(announce).toHaveBeenCalledExactlyOnceWith(ended, written);
    expect(ran).toEqual([]);
  });

  it.each([null, { ended: null }])(
    'that did not take effect (%j) is neither counted, announced nor followed',
    async (written) => {
      const { end, metrics, announce, queues } = setUp();
      expect(await end(written)).toBe(written);
      for (const each of [metrics.ended, announce, queues.add]) expect(each).not.toHaveBeenCalled();
    },
  );

  it('dispatches the next in line once', async () => {
    const { end, queues } = setUp();
    await end({ ended: { ...ended, hasNext: true } });
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
  });

  it('dispatches nothing if the first in line is dispatched already', async () => {
    const { end, queues } = setUp([]);
    await end({ ended: { ...ended, hasNext: true } });
    expect(queues.add).not.toHaveBeenCalled();
  });

  it('is announced although the next in line cannot be dispatched', async () => {
    const error = new Error('no database');
    const { end, announce, logger } = setUp(error);
    await end({ ended: { ...ended, hasNext: true } });
    expect(announce).toHaveBeenCalledOnce();
    expect(logger.warn).toHaveBeenCalledWith({ error, conversationId: 'c' }, expect.any(String));
  });
});
