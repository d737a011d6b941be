import { setImmediate as nextTurn } from 'node:timers/promises';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { redispatchInvocation } from '@nexus/common/invocations/status/redispatch-invocation';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { Database } from '@nexus/common/postgres/open-database';
import { type InvocationJob, type InvocationQueues, jobId } from '@nexus/common/queue/invocation-queue';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { atMost } from '@nexus/common/timing/at-most';
import { type EnqueuedRow, findAlive, findEnqueued } from './find-recoveries.ts';
import type { RecoveryCause } from './recovery-cause.ts';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

export type MissingJobParts = {
  database: Database;
  redis: Redis;
  queues: InvocationQueues;
  /** The connection on which BullMQ delivers jobs to this worker. */
  queueRedis: Redis;
  isInHand: (job: InvocationJob) => boolean;
  logger: Pick<Logger, 'warn'>;
  onRecovered: (cause: RecoveryCause) => void;
  workerId: string;
};

/** How long the queue connection may take to answer. After that, the next sweep checks the job again. */
const lookLimitMs = 1_000;

/**
 * Checks the jobs of queued rows, one page of rows at each call. If Redis no longer has the job, it is added again. If Redis gave the job to a
 * worker that is dead, or to this worker in a reply that was lost with its connection, the row gets a new dispatch.
 */
export function createMissingJobFinder(parts: MissingJobParts): () => Promise<void> {
  const { database } = parts;
  let afterId = firstId;

  return async function repairMissingJobs() {
    const rows = await findEnqueued(database, afterId, pageSize);
    afterId = rows.length === pageSize ? (rows.at(-1)?.invocationId ?? firstId) : firstId;
    if (rows.length === 0) return;

    const jobs = await readJobs(parts, rows);
    const alive = await findAlive(database, [...new Set(jobs.flatMap(({ holder }) => holder ?? []))]);

    for (const { row, timestamp, holder } of jobs) {
      if (timestamp === null) {
        await dispatchInvocation(parts, row);
        parts.onRecovered('missing_job');
      } else if (holder !== null && !alive.has(holder)) await dispatchAnew(row, 'orphaned_job');
    }
    const own = jobs.filter(({ holder }) => holder === parts.workerId).map(({ row }) => row);
    for (const row of await findUnheard(parts, own)) await dispatchAnew(row, 'unheard_job');
  };

  async function dispatchAnew(row: EnqueuedRow, cause: RecoveryCause): Promise<void> {
    const next = await redispatchInvocation(database, row);
    if (!next) return;
    await dispatchInvocation(parts, next);
    parts.onRecovered(cause);
  }
}

/**
 * Finds the jobs that Redis has given to this worker and that never arrived. A job may still be on its way, so this asks on the connection that
 * delivers jobs: its replies come in order, so a job that was sent before has arrived when the reply does.
 */
async function findUnheard(parts: MissingJobParts, given: EnqueuedRow[]): Promise<EnqueuedRow[]> {
  const { isInHand, queueRedis, queues } = parts;
  const away = given.filter((row) => !isInHand(row));
  if (away.length === 0 || queueRedis.status !== 'ready') return [];
  const looked = away.map(async (row) => {
    const key = queues.queue(row.provider).toKey(jobId(row)); // in a cluster, the node that delivers the job
    const answered = await atMost(lookLimitMs, queueRedis.exists(key), null).catch(() => null);
    return answered === 1 ? [row] : [];
  });
  const still = (await Promise.all(looked)).flat();
  await nextTurn(); // lets BullMQ handle the replies that came before
  return still.filter((row) => !isInHand(row));
}

type Job = { row: EnqueuedRow; timestamp: string | null; holder: string | null };

/** Reads the jobs of these rows from Redis. Rows without a reply are left out. One pipeline for each queue, as a queue lives on one node. */
async function readJobs(
  { redis, queues }: Pick<MissingJobParts, 'redis' | 'queues'>,
  rows: EnqueuedRow[],
): Promise<Job[]> {
  const byProvider = Map.groupBy(rows, (row) => row.provider);
  const read = [...byProvider].map(async ([provider, queued]): Promise<Job[]> => {
    const pipeline = redis.pipeline();
    for (const row of queued) pipeline.hmget(queues.queue(provider).toKey(jobId(row)), 'timestamp', 'pb');
    const replies = (await pipeline.exec().catch(() => null)) ?? [];
    return replies.flatMap(([error, reply], index) => {
      const row = queued[index];
      if (error || !row) return [];
      const [timestamp, holder] = reply as [string | null, string | null];
      return [{ row, timestamp, holder }];
    });
  });
  return (await Promise.all(read)).flat();
}
