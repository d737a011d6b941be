import type { Logger } from '@nexus/common/logging/create-logger';
import { type InvocationJob, queueName, queuePrefix } from '@nexus/common/queue/invocation-queue';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { Worker } from 'bullmq';

/**
 * The sweep recovers lost jobs, not BullMQ: hence the long lock and the high stalled count. If BullMQ delivers a job twice, Postgres refuses
 * the second claim, because it names an old dispatch.
 */
const lockDurationMs = 120_000;
const maxStalls = 1_000_000;

export type QueueConsumer = {
  /** `false` stops taking jobs for now, `true` takes jobs again. */
  take(jobs: boolean): void;
  /** Stops taking jobs for good. Resolves when the running jobs are done and the connections are closed. */
  close(): Promise<void>;
};

/** Takes jobs from the queue of each provider, up to `concurrency` at once from each. */
export function consumeQueues(parts: {
  redis: Redis;
  providers: ProviderName[];
  workerId: string;
  concurrency: number;
  /** Called for each job as it arrives. BullMQ fetches jobs for all free slots before it processes the first one. */
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
      maxStalledCount: maxStalls,
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
