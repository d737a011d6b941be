import { Queue } from 'bullmq';
import type { Logger } from '../logging/create-logger.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { type ProviderName, providerNames } from './provider-name.ts';

/** All that a job says. Everything else is in Postgres. `traceparent` is there when the trace of its request goes on in the worker. */
export type InvocationJob = { invocationId: string; dispatch: number; traceparent?: string };

/** A queued invocation that is due: where its job goes, and after how long. `begun`: before those that nobody has begun yet, unless
 * it is delayed. */
export type Dispatch = InvocationJob & { provider: ProviderName; delayMs: number; begun?: boolean };

/** Bull Board and redis-cli users look for these names. */
export function queueName(provider: ProviderName): string {
  return `invocations-${provider}`;
}

/**
 * What BullMQ puts before the queue's name in each of its keys. Braces make a hash tag: its scripts take many keys of one queue,
 * which have to live on one node of a Redis Cluster, while each queue may live on another.
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
  /** Takes back a job that nobody needs any more; one that is being worked on stays. */
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
      skipVersionCheck: true, // a queue opened while Redis is away would be of no use for ever: it asks once
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
