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

/** One queued row whose job was given to this worker. Tells how often it was dispatched anew, and why. */
async function sweepOnce(parts: Partial<MissingJobParts>) {
  const added: string[] = [];
  const recovered: string[] = [];
  const answers = [[row], [{ id: self }], [{ ...row, dispatch: 2, begun: true }], []];
  const pipeline = { hmget: () => pipeline, exec: async () => [[null, ['0', self]]] };
  const find = createMissingJobFinder({
    database: { $queryRaw: async () => answers.shift() },
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

describe('a job that was given to this worker', () => {
  it('and never reached it is given out anew', async () => {
    expect(await sweepOnce({})).toEqual({ added: ['i-2'], recovered: ['unheard_job'] });
  });

  it('is left alone while it is in hand', async () => {
    expect(await sweepOnce({ isInHand: ({ dispatch }) => dispatch === 1 })).toEqual({ added: [], recovered: [] });
  });

  it('is left alone where it comes before what its connection is asked then', async () => {
    let arrived = false;
    const exists = async () => {
      setImmediate(() => {
        arrived = true; // as BullMQ tells of it, some moments after the answer
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
  ])('is left alone where its connection is %s', async (_what, queueRedis) => {
    expect(await sweepOnce({ queueRedis: queueRedis as unknown as MissingJobParts['queueRedis'] })).toEqual({
      added: [],
      recovered: [],
    });
  });
});
