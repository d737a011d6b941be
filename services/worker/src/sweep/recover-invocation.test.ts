import { LogLost } from '@nexus/common/events/append-events';
import type { NewEvent } from '@nexus/protocol/event';
import { fold, nothingShown } from '@nexus/protocol/fold';
import { describe, expect, it, vi } from 'vitest';
import { createFakeDatabase } from '../../../../tests/support/create-fake-database.ts';
import type { RecoveryParts } from './end-unattended.ts';
import type { Recovery } from './find-recoveries.ts';
import { recoverInvocation } from './recover-invocation.ts';

const recovery = (cause: Recovery['cause'], row: Partial<Recovery> = {}): Recovery => ({
  cause,
  invocationId: 'i',
  conversationId: 'c',
  workspaceId: 's',
  provider: 'echo',
  attempt: 1,
  dispatch: 1,
  delayMs: 0,
  workerId: 'w',
  lostAttempts: 0,
  onWorkerLoss: 'restart',
  cancelRequested: false,
  ...row,
});
const unbegun = { attempt: 0, workerId: null };
const next = { invocationId: 'next', conversationId: 'c', dispatch: 1, provider: 'echo', delayMs: 0 };
const again = { ...next, invocationId: 'i', dispatch: 2, begun: true };
const failed = { id: 'i', status: 'failed', messageId: 'm', hasNext: false };
const cancelled = {
  invocationId: 'i',
  conversationId: 'c',
  attempt: 0,
  status: 'cancelled',
  timings: { provider: 'echo', durationMs: 1, firstPartMs: null, cancelMs: 1 },
  workerId: null,
  provider: 'echo',
  dispatch: 1,
  hasNext: false,
};
const log: NewEvent[] = [
  { type: 'invocation.started', data: { attempt: 1, provider: 'echo', model: 'echo' } },
  { type: 'reasoning.delta', data: { text: 'hm' } },
  { type: 'message.delta', data: { text: 'the ans' } },
];
/** The delta of a worker that is cut off from Postgres, appended after the sweep has read the log. */
const saidLate: NewEvent = { type: 'message.delta', data: { text: 'wer' } };

type Setup = { events?: NewEvent[]; late?: NewEvent[]; redisAway?: boolean };

/** Recovers with this log. Another process appends `late` between the read of the log and the end. */
function setUp(
  answers: Parameters<typeof createFakeDatabase>[0],
  { events = log, late = [], redisAway = false }: Setup = {},
) {
  const fake = createFakeDatabase(answers);
  const stored = [...events];
  const entries = () =>
    stored.map((event, index) => [`0-${index + 1}`, ['a', '1', 't', '0', 'e', JSON.stringify(event).slice(1)]]) as [
      string,
      string[],
    ][];
  const redis = {
    async xrange(_key: string, from: string) {
      if (redisAway) throw new Error('away');
      return entries().slice(Number(from.slice(2)) - 1);
    },
    async xrevrange() {
      if (redisAway) throw new Error('away');
      const last = entries().slice(-1);
      stored.push(...late);
      return last;
    },
    set: vi.fn(async () => 'OK'),
    publish: vi.fn(async () => 1),
  };
  const append = vi.fn(async (_address: unknown, _attempt: number, appended: NewEvent[], expectedSeq: number) => {
    if (expectedSeq >= 0 && expectedSeq !== stored.length) throw new LogLost(stored.length);
    stored.push(...appended);
    return { seq: stored.length, cancelWanted: false };
  });
  const queues = { add: vi.fn(async () => {}), remove: vi.fn(async () => {}) };
  const metrics = { ended: vi.fn() };
  const onLost = vi.fn();
  const parts = {
    database: fake.database,
    redis,
    appender: { append },
    queues,
    logger: { warn: vi.fn() },
    metrics,
    onLost,
  } as unknown as RecoveryParts;
  return {
    recover: (what: Recovery) => recoverInvocation(parts, what),
    shown: () => stored.reduce(fold, nothingShown()),
    types: () => stored.map(({ type }) => type),
    fake,
    append,
    queues,
    metrics,
    onLost,
    redis,
  };
}

describe('an invocation whose job never reached the queue', () => {
  it('is enqueued, and goes to the head of its queue if an attempt had begun it', async () => {
    for (const attempt of [0, 1]) {
      const { recover, queues } = setUp({ markEnqueued: [[{ invocationId: 'i', noted: true }]] });
      expect(await recover(recovery('enqueue', { attempt }))).toBe(true);
      expect(queues.add).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ dispatch: 1, begun: attempt > 0 }));
    }
  });

  it('counts as recovered by the sweep that marked it as enqueued', async () => {
    const { recover } = setUp({ markEnqueued: [[{ invocationId: 'i', noted: false }]] });
    expect(await recover(recovery('enqueue'))).toBe(false);
  });
});

describe('the head of a line that was never dispatched', () => {
  it('is dispatched', async () => {
    const { recover, queues } = setUp({
      dispatchNext: [[next]],
      markEnqueued: [[{ invocationId: 'next', noted: true }]],
    });
    expect(await recover(recovery('next'))).toBe(true);
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
  });

  it('is left alone where another sweeper was quicker', async () => {
    const { recover, queues } = setUp({ dispatchNext: [[]] });
    expect(await recover(recovery('next'))).toBe(false);
    expect(queues.add).not.toHaveBeenCalled();
  });
});

describe('a cancel request that no process acted on', () => {
  it('ends a queued invocation, announces the end, removes its job, and dispatches the next', async () => {
    const { recover, types, queues, metrics } = setUp(
      { cancel: [[{ ...cancelled, hasNext: true }]], dispatchNext: [[next]] },
      { events: [] },
    );
    expect(await recover(recovery('cancel', unbegun))).toBe(true);
    expect(types()).toEqual(['invocation.cancelled']);
    expect(queues.remove).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ invocationId: 'i', dispatch: 1 }));
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
    expect(metrics.ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ status: 'cancelled' }));
  });

  it('drops the text of an earlier attempt, which is not stored', async () => {
    const { recover, shown } = setUp({ cancel: [[{ ...cancelled, attempt: 1 }]] });
    await recover(recovery('cancel'));
    expect(shown()).toMatchObject({ status: 'cancelled', text: '', reasoning: '', messageId: null });
  });

  it('asks the worker of a running invocation, and leaves the announcement to that worker', async () => {
    const running = { ...cancelled, status: 'running', timings: null, workerId: 'w' };
    const { recover, append, metrics, redis } = setUp({ cancel: [[running]] });
    expect(await recover(recovery('cancel'))).toBe(true);
    expect(redis.set).toHaveBeenCalledOnce();
    expect(redis.publish).toHaveBeenCalledExactlyOnceWith('nexus:worker:w', JSON.stringify({ cancel: 'i' }));
    expect(append).not.toHaveBeenCalled();
    expect(metrics.ended).not.toHaveBeenCalled();
  });

  it('has no effect after the end of the invocation', async () => {
    const { recover, append } = setUp({ cancel: [[]] });
    expect(await recover(recovery('cancel'))).toBe(false);
    expect(append).not.toHaveBeenCalled();
  });
});

describe('a queued invocation whose deadline has passed', () => {
  it('fails before its first attempt without usage, and loses its job', async () => {
    const { recover, shown, types, queues, onLost, fake } = setUp(
      { finish: [[{ ...failed, messageId: null }]] },
      { events: [{ type: 'invocation.queued', data: { position: 1 } }] },
    );
    expect(await recover(recovery('expire', unbegun))).toBe(true);
    expect(types()).toEqual(['invocation.queued', 'invocation.failed']);
    expect(shown().error).toMatchObject({ code: 'deadline_exceeded', retryable: true });
    expect(queues.remove).toHaveBeenCalledOnce();
    expect(onLost).not.toHaveBeenCalled();
    expect(fake.ran).toEqual(['finish']);
  });

  it('is left alone if its row has moved on', async () => {
    const { recover, append, queues, metrics } = setUp({ finish: [[]] });
    expect(await recover(recovery('expire', unbegun))).toBe(false);
    for (const each of [append, queues.remove, metrics.ended]) expect(each).not.toHaveBeenCalled();
  });

  it('dispatches the next in line once', async () => {
    const { recover, queues } = setUp({ finish: [[{ ...failed, hasNext: true }]], dispatchNext: [[next]] });
    await recover(recovery('expire', unbegun));
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
  });
});

describe('an invocation whose worker is dead', () => {
  it('goes to another worker, and the usage of the lost attempt is estimated after the dispatch', async () => {
    const { recover, queues, append, onLost, fake } = setUp({ requeueLost: [[again]] });
    const lost = recovery('lost');
    expect(await recover(lost)).toBe(true);
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(again);
    expect(onLost).toHaveBeenCalledExactlyOnceWith(lost);
    expect(onLost.mock.invocationCallOrder[0]).toBeGreaterThan(queues.add.mock.invocationCallOrder[0] ?? Infinity);
    expect(append).not.toHaveBeenCalled();
    expect(fake.ran).toEqual(['requeueLost', 'markEnqueued']);
  });

  it('is left alone where another sweeper was quicker', async () => {
    const { recover, queues, onLost } = setUp({ requeueLost: [[]] });
    expect(await recover(recovery('lost'))).toBe(false);
    for (const each of [queues.add, onLost]) expect(each).not.toHaveBeenCalled();
  });

  it.each([
    ['it has lost three attempts', { lostAttempts: 2 }],
    ['its agent allows no second attempt', { onWorkerLoss: 'fail' as const }],
  ])('fails if %s, and keeps the text in the log', async (_why, row) => {
    const { recover, shown, onLost, queues, fake } = setUp({ finish: [[failed]] });
    expect(await recover(recovery('lost', row))).toBe(true);
    expect(shown()).toMatchObject({ status: 'failed', text: 'the ans', reasoning: 'hm', messageId: 'm' });
    expect(shown().error).toMatchObject({ code: 'worker_lost' });
    expect(fake.valuesOf('finish')[0]).toEqual(expect.arrayContaining(['failed', 'worker_lost', 'the ans', 'hm', 4]));
    expect(onLost).toHaveBeenCalledOnce();
    expect(queues.remove).not.toHaveBeenCalled();
  });

  it('ends as cancelled after a cancel request', async () => {
    const { recover, shown } = setUp({ finish: [[{ ...failed, status: 'cancelled' }]] });
    expect(await recover(recovery('lost', { cancelRequested: true }))).toBe(true);
    expect(shown()).toMatchObject({ status: 'cancelled', text: 'the ans', messageId: 'm', error: null });
  });

  it('shows clients the stored text at its end, although its worker appended more after the read of the log', async () => {
    const { recover, shown, types, fake } = setUp({ finish: [[failed]] }, { late: [saidLate] });
    await recover(recovery('lost', { lostAttempts: 2 }));
    expect(shown()).toMatchObject({ status: 'failed', text: 'the ans', reasoning: 'hm' });
    expect(types().slice(4)).toEqual(['invocation.restarted', 'reasoning.delta', 'message.delta', 'invocation.failed']);
    expect(fake.valuesOf('noteLastSeq')[0]?.[0]).toBe(8);
  });

  it('ends although Redis cannot be read', async () => {
    const { recover, append } = setUp({ finish: [[{ ...failed, messageId: null }]] }, { redisAway: true });
    expect(await recover(recovery('lost', { lostAttempts: 2 }))).toBe(true);
    expect(append).toHaveBeenCalledExactlyOnceWith(
      expect.anything(),
      1,
      [expect.objectContaining({ type: 'invocation.failed', data: expect.objectContaining({ messageId: null }) })],
      -1,
    );
  });
});
