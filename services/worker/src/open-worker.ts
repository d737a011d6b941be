import { hostname } from 'node:os';
import { AppError } from '@nexus/common/errors/app-error';
import { createEventAppender } from '@nexus/common/events/append-events';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { createInvocationMetrics } from '@nexus/common/invocations/invocation-metrics';
import { handBackInvocation } from '@nexus/common/invocations/status/hand-back-invocation';
import { onWorkerNudge } from '@nexus/common/invocations/worker-nudge';
import type { Logger } from '@nexus/common/logging/create-logger';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Release } from '@nexus/common/process/create-shutdown';
import type { InvocationQueues } from '@nexus/common/queue/invocation-queue';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { liveness } from '@nexus/common/timing/liveness';
import type { Tracer } from '@nexus/common/tracing/tracer';
import type { Registry } from 'prom-client';
import { createAnswerWriter } from './answer/answer-writer.ts';
import { createFlushClock } from './answer/flush-clock.ts';
import { flushIntervalMs } from './answer/flush-interval.ts';
import { createJobsInHand } from './attempts/jobs-in-hand.ts';
import { type RetryPolicy, standardRetryPolicy } from './attempts/retry-before-first-part.ts';
import { createRunningAttempts, type RunningAttempts } from './attempts/running-attempts.ts';
import { streamParts } from './attempts/stream-parts.ts';
import { consumeQueues } from './consume-queues.ts';
import { countTokens } from './context/count-tokens.ts';
import { openPresence } from './presence/open-presence.ts';
import { createInvocationProcessor } from './process-invocation.ts';
import type { Provider } from './providers/provider.ts';
import { meterRecord } from './record/meter-record.ts';
import { createInvocationRecord } from './record/record-invocation.ts';
import { traceRecord } from './record/trace-record.ts';
import { startSweep } from './sweep/start-sweep.ts';
import { traceAttempts } from './tracing/trace-attempts.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

export type WorkerParts = {
  database: Database;
  databaseUrl: string;
  /** Three connections: `redis` for commands, `queueRedis` for BullMQ, `subscriber` for nudges. */
  redis: Redis;
  queueRedis: Redis;
  subscriber: Redis;
  queues: InvocationQueues;
  providers: ReadonlyMap<ProviderName, Provider>;
  unconfigured: ProviderName[];
  concurrency: number;
  shutdownGraceMs: number;
  coalesceMaxMs: number;
  registry: Registry;
  retryPolicy?: RetryPolicy;
  logger: Logger;
  tracer: Tracer | null;
  release: Release;
};

/** To hand back an attempt takes well under a second. After this limit the sweep of another worker recovers it. */
const handBackLimitMs = 3_000;

/** Starts a worker's heartbeat, sweep and queues. Its stop lets running attempts end, and after the grace period hands back the rest. */
export async function openWorker(
  parts: WorkerParts,
): Promise<{ id: string; attempts: RunningAttempts; lastBeatAgoMs(): number }> {
  const { database, redis, queues, providers, logger, tracer, release } = parts;
  const id = newId();
  const attempts = createRunningAttempts();
  const metrics = createInvocationMetrics(parts.registry);
  const workerMetrics = createWorkerMetrics(parts.registry, attempts.list);
  const appender = createEventAppender(redis, { onAppended: metrics.appended });
  const flushClock = createFlushClock(() => flushIntervalMs(attempts.size(), parts.coalesceMaxMs));
  const retryPolicy = parts.retryPolicy ?? standardRetryPolicy;
  const giveUp = new AbortController();
  const jobs = createJobsInHand();

  const presence = await openPresence({
    database,
    databaseUrl: parts.databaseUrl,
    worker: {
      id,
      hostname: hostname(),
      pid: process.pid,
      providers: [...providers.keys()],
      unconfigured: parts.unconfigured,
      concurrency: parts.concurrency,
    },
    attempts,
    inHand: jobs.invocationIds,
    async giveBack(claimed) {
      const next = await handBackInvocation(database, claimed, { reason: 'worker_lost', delayMs: 0, usage: null });
      if (!next) return;
      workerMetrics.recovered('unheard_claim');
      await dispatchInvocation({ database, queues, logger }, next);
    },
    logger,
  });
  release('presence', presence.close);

  await onWorkerNudge(parts.subscriber, id, ({ cancel }) => attempts.abort(cancel, new AppError('cancelled')));

  const sweep = startSweep({
    database,
    redis,
    queueRedis: parts.queueRedis,
    appender,
    queues,
    isInHand: jobs.has,
    logger,
    metrics,
    onRecovered: workerMetrics.recovered,
    onUsed: workerMetrics.used,
    workerId: id,
  });
  release('sweep', sweep.stop);

  const isHeard = () => presence.lastBeatAgoMs() < liveness.heardMs;
  const processInvocation = createInvocationProcessor({
    record: meterRecord(
      traceRecord(
        createInvocationRecord({ database, queues, logger, metrics, workerId: id, isHeard, giveUp: giveUp.signal }),
        tracer,
      ),
      workerMetrics,
    ),
    attempts,
    openAnswer: (attempt, abort) =>
      createAnswerWriter(attempt, {
        appender,
        redis,
        flushClock,
        onCancelWanted: () => abort(new AppError('cancelled')),
        onClaimLost: () => abort(new AppError('claim_lost')),
        onRedisTrouble: (error) =>
          logger.warn({ error, invocationId: attempt.invocationId }, 'publishing waits for redis'),
      }),
    streamParts: (claim, context, onPart, signal) =>
      streamParts(providers, retryPolicy, claim, context, onPart, signal),
    countTokens,
    onFailed: ({ invocationId, attempt }, error) => {
      const ids = { invocationId, attempt, code: error.code };
      // A provider's error may quote the prompt, so only its code is logged. Our own errors never quote it.
      if (error.code === 'internal_error') logger.error({ ...ids, error }, 'the invocation failed');
      else logger.warn(ids, 'the invocation failed');
    },
    retryPolicy,
  });

  const consumer = consumeQueues({
    redis: parts.queueRedis,
    providers: [...providers.keys()],
    workerId: id,
    concurrency: parts.concurrency,
    onDelivered: jobs.add,
    process: jobs.during(traceAttempts(processInvocation, tracer)),
    logger,
  });
  // Take no jobs while the heartbeat fails: Postgres would refuse our claims. Other workers take the jobs.
  const checkPause = () => consumer.take(presence.lastBeatAgoMs() < liveness.pauseMs);
  const pauseChecks = setInterval(checkPause, liveness.pauseCheckMs);
  const drain = async (faulty: boolean) => {
    clearInterval(pauseChecks);
    if (faulty) return; // an attempt may have caused the fault: another worker's sweep recovers and counts them
    const closed = consumer.close();
    logger.info({ jobs: jobs.size() }, 'finishing the jobs in hand');
    await Promise.race([jobs.whenEmpty(), after(parts.shutdownGraceMs)]);
    if (jobs.size() > 0) logger.info({ jobs: jobs.size() }, 'handing back the jobs still in hand');
    attempts.abortAll(new AppError('worker_stopping'));
    await Promise.race([jobs.whenEmpty(), after(handBackLimitMs)]);
    giveUp.abort();
    await Promise.race([closed, after(handBackLimitMs)]); // with a limit: Redis may be away
  };
  release('running attempts', drain, parts.shutdownGraceMs + 3 * handBackLimitMs);
  logger.info({ workerId: id, providers: [...providers.keys()], unconfigured: parts.unconfigured }, 'worker is up');
  return { id, attempts, lastBeatAgoMs: presence.lastBeatAgoMs };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
