import type { Logger } from '@nexus/common/logging/create-logger';
import { type InvocationJob, queueName, queuePrefix } from '@nexus/common/queue/invocation-queue';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { Worker } from 'bullmq';

/**
 * BullMQ delivers, Postgres decides: a lock this long and a stalled count this high leave recovery to the sweep. A job that is
 * delivered again names a dispatch that is over and does nothing.
 */
const lockDurationMs = 120_000;
const mostStalls = 1_000_000;

export type QueueConsumer = {
  /** Whether further jobs are taken, for a worker that cannot do anything with them at present. */
  take(jobs: boolean): void;
  /** Takes no further jobs. Resolves once those at work are done and everything is closed. */
  close(): Promise<void>;
};

/** Takes jobs from the queue of each provider, up to `concurrency` at once from each. */
export function consumeQueues(parts: {
  redis: Redis;
  providers: ProviderName[];
  workerId: string;
  concurrency: number;
  /** Told of each job as it arrives: BullMQ asks for as many as it has room for before it has the first of them processed. */
  onDelivered: (job: InvocationJob) => void;
  process: (job: InvocationJob) => Promise<void>;
  logger: Logger;
}): QueueConsumer {
  const { redis, workerId, concurrency, onDelivered, process, logger } = parts;
  const workers = parts.providers.map((provider) => {
    const worker = new Worker<InvocationJob>(queueName(provider), (job) => process(job.data), {
      connection: redis,
      prefix: queuePrefix(provider),
      name: workerId,
      concurrency,
      lockDuration: lockDurationMs,
      maxStalledCount: mostStalls,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    worker.on('active', (job) => onDelivered(job.data));
    worker.on('error', (error) => logger.warn({ error, queue: worker.name }, 'queue trouble'));
    worker.on('failed', (job, error) =>
      logger.error({ error, invocationId: job?.data.invocationId }, 'attempt failed unexpectedly'),
    );
    return worker;
  });
  return {
    take(jobs) {
      for (const worker of workers) {
        if (jobs && worker.isPaused()) worker.resume();
        else if (!jobs && !worker.isPaused())
          worker.pause(true).catch((error) => logger.warn({ error, queue: worker.name }, 'queue trouble'));
      }
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}
