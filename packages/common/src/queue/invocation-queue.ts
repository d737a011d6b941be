import { Queue } from 'bullmq';
import type { Logger } from '../logging/create-logger.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { type ProviderName, providerNames } from './provider-name.ts';

/** All data of a job. Everything else is in Postgres. `traceparent` is set if the worker continues the trace of the request. */
export type InvocationJob = { invocationId: string; dispatch: number; traceparent?: string };

/** One job to add: its queue, and its delay. `begun`: an earlier attempt had it, so it goes to the head of its queue, unless it has a
 * delay. */
export type Dispatch = InvocationJob & { provider: ProviderName; delayMs: number; begun?: boolean };

/** Bull Board and redis-cli users look for these names. */
export function queueName(provider: ProviderName): string {
  return `invocations-${provider}`;
}

/**
 * BullMQ's prefix before the queue's name in each key. The braces make a hash tag: BullMQ's scripts use many keys of one queue, which must live
 * on one node of a Redis Cluster. Each queue may live on another node.
 */
export function queuePrefix(provider: ProviderName): string {
  return `nexus:{${provider}}`;
}

/** BullMQ forbids ':' in custom ids. */
export function jobId({ invocationId, dispatch }: InvocationJob): string {
  return `${invocationId}-${dispatch}`;
}

export type InvocationQueues = {
  /** Resolves once Redis holds the job. Adding the same dispatch twice adds it once. Rejects while Redis is away. */
  add(dispatch: Dispatch): Promise<void>;
  /** Removes a job that is no longer needed. A job that a worker processes stays. */
  remove(job: InvocationJob & { provider: ProviderName }): Promise<void>;
  queue(provider: ProviderName): Queue;
  close(): Promise<void>;
};

export function openInvocationQueues(redis: Redis, logger: Pick<Logger, 'warn'>): InvocationQueues {
  const queues = new Map<ProviderName, Queue>();
  for (const provider of providerNames) {
    const queue = new Queue(queueName(provider), {
      connection: redis,
      prefix: queuePrefix(provider),
      skipWaitingForReady: true,
      skipVersionCheck: true, // BullMQ checks once, so a queue that is opened while Redis is away would never work
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 100 } },
    });
    queue.on('error', (error) => logger.warn({ error, queue: queue.name }, 'queue connection trouble'));
    queues.set(provider, queue);
  }
  const queueOf = (provider: ProviderName): Queue => {
    const queue = queues.get(provider);
    if (!queue) throw new Error(`no queue for provider ${provider}`);
    return queue;
  };
  return {
    queue: queueOf,
    async add({ invocationId, dispatch, traceparent, provider, delayMs, begun = false }) {
      const job: InvocationJob = { invocationId, dispatch, ...(traceparent === undefined ? {} : { traceparent }) };
      await queueOf(provider).add('invoke', job, { jobId: jobId(job), delay: delayMs, lifo: begun });
    },
    async remove({ invocationId, dispatch, provider }) {
      await queueOf(provider).remove(jobId({ invocationId, dispatch }));
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
