import { jobId } from '@nexus/common/queue/invocation-queue';
import { describe, expect, it } from 'vitest';
import { createMissingJobFinder, type MissingJobParts } from './find-missing-jobs.ts';
import type { EnqueuedRow } from './find-recoveries.ts';

const self = 'this worker';
const row: EnqueuedRow = {
  invocationId: 'i',
  conversationId: 'c',
  provider: 'openai',
  dispatch: 1,
  delayMs: 0,
  begun: false,
};

/** One queued row whose job Redis gave to this worker. Returns the cause of each new dispatch. */
async function sweepOnce(parts: Partial<MissingJobParts>) {
  const added: string[] = [];
  const recovered: string[] = [];
  const answers = [[row], [{ id: self }], [{ ...row, dispatch: 2, begun: true }], []];
  const pipeline = { hmget: () => pipeline, exec: async () => [[null, ['0', self]]] };
  const find = createMissingJobFinder({
    database: { query: async () => answers.shift() },
    redis: { pipeline: () => pipeline },
    queueRedis: { status: 'ready', exists: async () => 1 },
    queues: {
      queue: () => ({ toKey: (name: string) => name }),
      add: async (job: EnqueuedRow) => void added.push(jobId(job)),
    },
    isInHand: () => false,
    logger: { warn() {} },
    onRecovered: (cause: string) => void recovered.push(cause),
    workerId: self,
    ...parts,
  } as unknown as MissingJobParts);
  await find();
  return { added, recovered };
}

describe('a job that Redis gave to this worker', () => {
  it('and that never arrived gets a new dispatch', async () => {
    expect(await sweepOnce({})).toEqual({ added: ['i-2'], recovered: ['unheard_job'] });
  });

  it('is left alone while it is in hand', async () => {
    expect(await sweepOnce({ isInHand: ({ dispatch }) => dispatch === 1 })).toEqual({ added: [], recovered: [] });
  });

  it('is left alone if it arrives before the reply to the check', async () => {
    let arrived = false;
    const exists = async () => {
      setImmediate(() => {
        arrived = true; // as with BullMQ, some moments after the reply
      });
      return 1;
    };
    const queueRedis = { status: 'ready', exists } as unknown as MissingJobParts['queueRedis'];
    expect(await sweepOnce({ queueRedis, isInHand: () => arrived })).toEqual({ added: [], recovered: [] });
  });

  it.each([
    ['away', { status: 'reconnecting' }],
    ['silent', { status: 'ready', exists: () => new Promise(() => {}) }],
    ['broken', { status: 'ready', exists: () => Promise.reject(new Error('Connection is closed.')) }],
    ['quicker, and the job is done', { status: 'ready', exists: async () => 0 }],
  ])('is left alone if its connection is %s', async (_what, queueRedis) => {
    expect(await sweepOnce({ queueRedis: queueRedis as unknown as MissingJobParts['queueRedis'] })).toEqual({
      added: [],
      recovered: [],
    });
  });
});
