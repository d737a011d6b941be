import { isLifeLockHeld } from '@nexus/common/postgres/is-life-lock-held';
import { msAgo } from '@nexus/common/postgres/ms-ago';
import type { Queryable } from '@nexus/common/postgres/queryable';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import { liveness } from '@nexus/common/timing/liveness';
import type { RecoveryCause } from './recovery-cause.ts';

export type Recovery = {
  cause: Exclude<RecoveryCause, 'missing_job' | 'orphaned_job' | 'unheard_job' | 'unheard_claim'>;
  invocationId: string;
  conversationId: string;
  workspaceId: string;
  provider: ProviderName;
  attempt: number;
  dispatch: number;
  delayMs: number;
  workerId: string | null;
  lostAttempts: number;
  onWorkerLoss: 'restart' | 'fail';
  cancelRequested: boolean;
};

/** Limits one sweep. The next sweep finds the rest. */
const maxPerCause = 200;

/**
 * Finds everything that a process left undone because it died or lost a message. To recover a row twice does no harm.
 *
 * A worker is dead when its last heartbeat is too old. The limit depends on its life lock: `silentMs` if it held the lock and the lock is gone,
 * `lostLockMs` if it had lost the lock while it lived, `hungMs` if it holds the lock. After a Postgres restart every lock is gone although the
 * workers live, so no worker is declared dead for a while. A worker whose own heartbeat was late declares no other worker dead: after an
 * interruption all heartbeats look old to it.
 */
export async function findRecoveries(database: Queryable, sweeperId: string): Promise<Recovery[]> {
  return database.query<Recovery>`
    WITH judge AS (
      SELECT id FROM worker
      WHERE id = ${sweeperId}::uuid AND heartbeat_at > ${msAgo(liveness.judgeMs)} AND steady_since < ${msAgo(liveness.steadyMs)}
        AND pg_postmaster_start_time() < ${msAgo(liveness.postgresStartMs)}
    ), dead AS (
      SELECT w.id FROM worker w, judge
      WHERE w.heartbeat_at < ${msAgo(liveness.silentMs)}
        AND (w.heartbeat_at < ${msAgo(liveness.hungMs)}
          OR (w.lock_held OR w.heartbeat_at < ${msAgo(liveness.lostLockMs)}) AND NOT ${isLifeLockHeld('w.lock_key')})
    ), recoveries AS (
      (SELECT 'enqueue' AS cause, i.* FROM invocation i
       WHERE i.status = 'queued' AND i.enqueued_at IS NULL AND i.dispatch > 0 AND i.created_at < ${msAgo(liveness.leaveAloneMs)}
         AND i.cancel_requested_at IS NULL LIMIT ${maxPerCause}::int)
      UNION ALL
      (SELECT 'next', i.* FROM invocation i JOIN conversation c ON c.id = i.conversation_id AND c.line[1] = i.id
       WHERE i.status = 'queued' AND i.enqueued_at IS NULL AND i.dispatch = 0 AND i.created_at < ${msAgo(liveness.leaveAloneMs)} LIMIT ${maxPerCause}::int)
      UNION ALL
      (SELECT 'cancel', i.* FROM invocation i
       WHERE i.status = 'queued' AND i.cancel_requested_at < ${msAgo(liveness.leaveAloneMs)} LIMIT ${maxPerCause}::int)
      UNION ALL
      (SELECT 'cancel', i.* FROM invocation later JOIN invocation i ON i.conversation_id = later.conversation_id AND i.input_position < later.input_position
       WHERE later.status = 'queued' AND later.enqueued_at IS NULL AND later.dispatch = 0 AND later.multitask_strategy IN ('interrupt', 'rollback')
         AND later.created_at < ${msAgo(liveness.leaveAloneMs)} AND i.status IN ('queued', 'running') AND i.cancel_requested_at IS NULL
       LIMIT ${maxPerCause}::int)
      UNION ALL
      (SELECT 'expire', i.* FROM invocation i WHERE i.status = 'queued' AND i.deadline_at < now() LIMIT ${maxPerCause}::int)
      UNION ALL
      (SELECT 'lost', i.* FROM invocation i
       WHERE i.status = 'running' AND (i.worker_id IN (SELECT id FROM dead) OR NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = i.worker_id))
       LIMIT ${maxPerCause}::int))
    SELECT cause, id AS "invocationId", conversation_id AS "conversationId", workspace_id AS "workspaceId", provider, attempt, dispatch,
           greatest(0, coalesce(extract(epoch FROM available_at - now()) * 1000, 0))::float8 AS "delayMs", worker_id AS "workerId",
           lost_attempts AS "lostAttempts", settings->>'onWorkerLoss' AS "onWorkerLoss",
           cancel_requested_at IS NOT NULL AS "cancelRequested"
    FROM recoveries`;
}

export type EnqueuedRow = {
  invocationId: string;
  conversationId: string;
  provider: ProviderName;
  dispatch: number;
  delayMs: number;
  begun: boolean;
};

/** A page of the queued rows, by id, whose job was put into Redis more than `jobCheckMs` ago. */
export async function findEnqueued(database: Queryable, afterId: string, limit: number): Promise<EnqueuedRow[]> {
  return database.query<EnqueuedRow>`
    SELECT id AS "invocationId", conversation_id AS "conversationId", provider, dispatch, attempt > 0 AS begun,
           greatest(0, coalesce(extract(epoch FROM available_at - now()) * 1000, 0))::float8 AS "delayMs"
    FROM invocation
    WHERE status = 'queued' AND id > ${afterId}::uuid AND enqueued_at < ${msAgo(liveness.jobCheckMs)}
    ORDER BY id LIMIT ${limit}::int`;
}

/** Those of these workers that may still claim the jobs that Redis gave them. */
export async function findAlive(database: Queryable, workerIds: string[]): Promise<Set<string>> {
  const rows = await database.query<{ id: string }>`
    SELECT id FROM worker WHERE id = ANY(${workerIds}::uuid[]) AND heartbeat_at > ${msAgo(liveness.holderMs)}`;
  return new Set(rows.map((row) => row.id));
}
