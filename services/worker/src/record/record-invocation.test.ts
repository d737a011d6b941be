import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { describe, expect, it, vi } from 'vitest';
import { createFakeDatabase } from '../../../../tests/support/create-fake-database.ts';
import { createInvocationRecord } from './record-invocation.ts';

const job = { invocationId: 'i', dispatch: 1 };
const claim = { invocationId: 'i', conversationId: 'c', attempt: 1 } as Claim;
const ending: Ending = {
  invocationId: 'i',
  conversationId: 'c',
  attempt: 1,
  status: 'completed',
  error: null,
  lastSeq: 9,
  step: {
    text: 'the answer',
    textTokens: 2,
    reasoning: 'hm',
    inputTokens: 3,
    finishReason: 'stop',
    firstTokenAgoMs: 5,
    usage: {
      inputTokens: 7,
      outputTokens: 41,
      cachedTokens: 0,
      source: 'provider',
      costMicroUsd: null,
      priceTableVersion: null,
    },
  },
};
const ended = { id: 'i', status: 'completed', messageId: 'm', hasNext: false };
const next = { invocationId: 'next', conversationId: 'c', dispatch: 1, provider: 'echo', delayMs: 0 };
const handBack = { reason: 'worker_stopping', delayMs: 0, usage: null } as const;

const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
const refusal = Object.assign(new Error('invalid byte sequence'), { code: '22021' });

type Answers = Parameters<typeof createFakeDatabase>[0];

function setUp(answers: Answers, { isHeard = (): boolean => true, giveUp = new AbortController().signal } = {}) {
  const fake = createFakeDatabase(answers);
  const queues = { add: vi.fn(async () => {}) };
  const logger = { warn: vi.fn(), error: vi.fn() };
  const metrics = { ended: vi.fn() };
  const announce = vi.fn(async () => {});
  const record = createInvocationRecord({
    database: fake.database,
    queues,
    logger,
    metrics,
    workerId: 'w',
    isHeard,
    giveUp,
  });
  return { ...record, fake, queues, logger, metrics, announce };
}

describe('a claim', () => {
  it('is null if Postgres refuses it to a living worker', async () => {
    const { claim: take, fake } = setUp({ claim: [[]] });
    expect(await take(job)).toBeNull();
    expect(fake.ran).toEqual(['claim']);
  });

  it('is tried again while its worker may count as dead, because Postgres refuses it then', async () => {
    const heard = [false, true, true, true];
    const { claim: take, fake } = setUp({ claim: [[], [claim]] }, { isHeard: () => heard.shift() ?? true });
    expect(await take(job)).toEqual(claim);
    expect(fake.ran).toEqual(['claim', 'claim']);
  });

  it('is tried again while the database is away', async () => {
    const { claim: take, fake } = setUp({ claim: [away, [claim]] });
    expect(await take(job)).toEqual(claim);
    expect(fake.ran).toEqual(['claim', 'claim']);
  });

  it('is given up when its worker stops', async () => {
    const giveUp = AbortSignal.abort();
    await expect(setUp({ claim: [away] }, { giveUp }).claim(job)).rejects.toBe(away);
    expect(await setUp({ claim: [[]] }, { giveUp, isHeard: () => false }).claim(job)).toBeNull();
  });
});

describe('an end', () => {
  it('is announced as it was written, and counted', async () => {
    const { end, announce, metrics, queues, fake } = setUp({ finish: [[ended]] });
    expect(await end(claim, ending, announce)).toBe(true);
    expect(announce).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ messageId: 'm' }), ending);
    expect(metrics.ended).toHaveBeenCalledOnce();
    expect(fake.ran).toEqual(['finish']);
    expect(queues.add).not.toHaveBeenCalled();
  });

  it('dispatches the next in line once', async () => {
    const { end, announce, queues, fake } = setUp({ finish: [[{ ...ended, hasNext: true }]], dispatchNext: [[next]] });
    await end(claim, ending, announce);
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
    expect(fake.ran).toEqual(['finish', 'dispatchNext', 'markEnqueued']);
  });

  it('announces and dispatches nothing if the row has moved on', async () => {
    const { end, announce, metrics, fake } = setUp({ finish: [[]] });
    expect(await end(claim, ending, announce)).toBe(false);
    expect(announce).not.toHaveBeenCalled();
    expect(metrics.ended).not.toHaveBeenCalled();
    expect(fake.ran).toEqual(['finish']);
  });

  it.each([
    ['the database is away', away],
    ['it meets a deadlock', deadlock],
  ])('is written again if %s', async (_why, error) => {
    const { end, announce, fake } = setUp({ finish: [error, [ended]] });
    expect(await end(claim, ending, announce)).toBe(true);
    expect(announce).toHaveBeenCalledOnce();
    expect(fake.ran).toEqual(['finish', 'finish']);
  });

  it('whose reply was lost is announced as it was written', async () => {
    const cancelled = { ...ended, status: 'cancelled' };
    const { end, announce, fake } = setUp({ finish: [away, []], readEnded: [[cancelled]] });
    expect(await end(claim, ending, announce)).toBe(true);
    expect(announce).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ status: 'cancelled' }), ending);
    expect(fake.ran).toEqual(['finish', 'finish', 'readEnded']);
  });

  it('whose reply was lost is not announced if another attempt has the row', async () => {
    const { end, announce } = setUp({ finish: [away, []], readEnded: [[]] });
    expect(await end(claim, ending, announce)).toBe(false);
    expect(announce).not.toHaveBeenCalled();
  });

  it('that the database refuses for good is written and announced as failed, without its text but with its usage', async () => {
    const { end, announce, fake, logger } = setUp({
      finish: [refusal, away, refusal, [{ ...ended, status: 'failed' }]],
    });
    expect(await end(claim, ending, announce)).toBe(true);
    const [asked, ...refused] = fake.valuesOf('finish');
    expect(asked).toEqual(expect.arrayContaining(['completed', 'the answer', 'hm', 41]));
    expect(refused).toHaveLength(3);
    for (const values of refused) {
      expect(values).toEqual(expect.arrayContaining(['failed', 'internal_error', 41]));
      expect(values).not.toContain('the answer');
      expect(values).not.toContain('hm');
    }
    expect(announce).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ status: 'failed' }),
      expect.objectContaining({ status: 'failed', error: expect.objectContaining({ code: 'internal_error' }) }),
    );
    expect(logger.error).toHaveBeenCalledOnce();
  });

  it('is left to another attempt if its worker stops while the database is away', async () => {
    const { end, announce, fake } = setUp({ finish: [away] }, { giveUp: AbortSignal.abort() });
    await expect(end(claim, ending, announce)).rejects.toBe(away);
    expect(announce).not.toHaveBeenCalled();
    expect(fake.ran).toEqual(['finish']);
  });
});

describe('an attempt that is handed back', () => {
  it('is dispatched again, once', async () => {
    const { handBack: give, queues, fake } = setUp({ handBack: [away, [next]] });
    expect(await give(claim, handBack)).toBe(true);
    expect(queues.add).toHaveBeenCalledExactlyOnceWith(next);
    expect(fake.ran).toEqual(['handBack', 'handBack', 'markEnqueued']);
  });

  it('is left alone if the row has moved on', async () => {
    const { handBack: give, queues } = setUp({ handBack: [[]] });
    expect(await give(claim, handBack)).toBe(false);
    expect(queues.add).not.toHaveBeenCalled();
  });
});
