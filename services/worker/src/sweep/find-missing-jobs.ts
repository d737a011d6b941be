import { dispatchInvocation } from '@nexus/common/dispatch-invocation';
import { jobId } from '@nexus/common/invocation-queue';
import { redispatchInvocation } from '@nexus/common/invocation-status';
import { type EnqueuedRow, findAlive, findEnqueued } from './find-chores.ts';
import type { SweepParts } from './start-sweep.ts';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Queued rows whose job Redis no longer has get it back; those whose job is in the hands of a dead worker get another.
 * Walks through all queued rows, a page at each call.
 */
export function createMissingJobFinder(parts: SweepParts): () => Promise<void> {
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
      } else if (holder !== null && !alive.has(holder)) {
        const next = await redispatchInvocation(database, row);
        if (!next) continue;
        await dispatchInvocation(parts, next);
        parts.onRecovered('orphaned_job');
      }
    }
  };
}

type Job = { row: EnqueuedRow; timestamp: string | null; holder: string | null };

/** What Redis knows of the jobs of these rows; those of which it says nothing are left out. A pipeline for each queue: one node. */
async function readJobs({ redis, queues }: SweepParts, rows: EnqueuedRow[]): Promise<Job[]> {
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
