import { setImmediate as nextTurn } from 'node:timers/promises';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { redispatchInvocation } from '@nexus/common/invocations/status/redispatch-invocation';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { PrismaClient } from '@nexus/common/postgres/open-database';
import { type InvocationJob, type InvocationQueues, jobId } from '@nexus/common/queue/invocation-queue';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { atMost } from '@nexus/common/timing/at-most';
import { type EnqueuedRow, findAlive, findEnqueued } from './find-recoveries.ts';
import type { RecoveryCause } from './recovery-cause.ts';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

export type MissingJobParts = {
  database: PrismaClient;
  redis: Redis;
  queues: InvocationQueues;
  /** The connection over which this worker is given its jobs. */
  queueRedis: Redis;
  isInHand: (job: InvocationJob) => boolean;
  logger: Pick<Logger, 'warn'>;
  onRecovered: (cause: RecoveryCause) => void;
  workerId: string;
};

/** How long the connection of the queues may take to answer until a look at what came over it is left to the next sweep. */
const lookLimitMs = 1_000;

/**
 * Queued rows whose job Redis no longer has get it back; those whose job is in the hands of a dead worker, or was given to this one
 * in an answer that was lost with its connection, get another. Walks through all queued rows, a page at each call.
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
 * Those of the jobs that Redis has given to this worker which are not here, and not on their way: the connection over which jobs come
 * answers in the order in which it was asked.
 */
async function findUnheard(parts: MissingJobParts, given: EnqueuedRow[]): Promise<EnqueuedRow[]> {
  const { isInHand, queueRedis, queues } = parts;
  const away = given.filter((row) => !isInHand(row));
  if (away.length === 0 || queueRedis.status !== 'ready') return [];
  const looked = away.map(async (row) => {
    const key = queues.queue(row.provider).toKey(jobId(row)); // on the node of a cluster that gives the job out
    const answered = await atMost(lookLimitMs, queueRedis.exists(key), null).catch(() => null);
    return answered === 1 ? [row] : [];
  });
  const still = (await Promise.all(looked)).flat();
  await nextTurn(); // what was answered before has been taken in
  return still.filter((row) => !isInHand(row));
}

type Job = { row: EnqueuedRow; timestamp: string | null; holder: string | null };

/** What Redis knows of the jobs of these rows; those of which it says nothing are left out. A pipeline for each queue: one node. */
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
