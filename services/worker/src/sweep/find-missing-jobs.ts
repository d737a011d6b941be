import { dispatchInvocation } from '@nexus/common/dispatch-invocation';
import { jobId } from '@nexus/common/invocation-queue';
import { redispatchInvocation } from '@nexus/common/invocation-status';
import { findAlive, findEnqueued } from './find-chores.ts';
import type { SweepParts } from './start-sweep.ts';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Queued rows whose job Redis no longer has get it back; those whose job is in the hands of a dead worker get another.
 * Walks through all queued rows, a page at each call.
 */
export function createMissingJobFinder(parts: SweepParts): () => Promise<void> {
  const { database, redis, queues } = parts;
  let afterId = firstId;

  return async function repairMissingJobs() {
    const rows = await findEnqueued(database, afterId, pageSize);
    afterId = rows.length === pageSize ? (rows.at(-1)?.invocationId ?? firstId) : firstId;
    if (rows.length === 0) return;

    const pipeline = redis.pipeline();
    for (const row of rows) pipeline.hmget(queues.queue(row.provider).toKey(jobId(row)), 'timestamp', 'pb');
    const replies = (await pipeline.exec()) ?? [];
    const jobs = replies.map(([error, reply]) => (error ? null : (reply as [string | null, string | null])));
    const alive = await findAlive(database, [...new Set(jobs.flatMap((job) => job?.[1] ?? []))]);

    for (const [index, row] of rows.entries()) {
      const job = jobs[index];
      if (!job) continue;
      const [timestamp, holder] = job;
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
