import { isLifeLockHeld } from '@nexus/common/postgres/is-life-lock-held';
import type { Queryable } from '@nexus/common/postgres/queryable';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import type { RecoveryCause } from './recovery-cause.ts';

export type Chore = {
  kind: Exclude<RecoveryCause, 'missing_job' | 'orphaned_job' | 'unheard_job' | 'unheard_claim'>;
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

/** Bounds one sweep; what is left over is found by the next. */
const mostPerKind = 200;

/**
 * Everything that was left undone, by whoever died or lost a message while doing it; acting on a row twice does no harm.
 * A worker that held its life lock is dead when the lock is gone and it has been silent for 1 s; one that had lost the lock while it
 * lived, after 5 s; one that holds it, after 30 s (hung). Nobody is for 10 s after a restart of Postgres, when the locks are gone with
 * everybody alive; nor as long as the sweeping worker is not heard itself, without a gap for a while: then everybody seems silent.
 */
export async function findChores(database: Queryable, sweeperId: string): Promise<Chore[]> {
  return database.query<Chore>`
    WITH judge AS (
      SELECT id FROM worker
      WHERE id = ${sweeperId}::uuid AND heartbeat_at > now() - interval '900 ms' AND steady_since < now() - interval '1500 ms'
        AND pg_postmaster_start_time() < now() - interval '10 s'
    ), dead AS (
      SELECT w.id FROM worker w, judge
      WHERE w.heartbeat_at < now() - interval '1 s'
        AND (w.heartbeat_at < now() - interval '30 s'
          OR (w.lock_held OR w.heartbeat_at < now() - interval '5 s') AND NOT ${isLifeLockHeld('w.lock_key')})
    ), chores AS (
      (SELECT 'enqueue' AS kind, i.* FROM invocation i
       WHERE i.status = 'queued' AND i.enqueued_at IS NULL AND i.dispatch > 0 AND i.created_at < now() - interval '400 ms'
         AND i.cancel_requested_at IS NULL LIMIT ${mostPerKind}::int)
      UNION ALL
      (SELECT 'next', i.* FROM invocation i JOIN conversation c ON c.id = i.conversation_id AND c.line[1] = i.id
       WHERE i.status = 'queued' AND i.enqueued_at IS NULL AND i.dispatch = 0 AND i.created_at < now() - interval '400 ms' LIMIT ${mostPerKind}::int)
      UNION ALL
      (SELECT 'cancel', i.* FROM invocation i
       WHERE i.status = 'queued' AND i.cancel_requested_at < now() - interval '400 ms' LIMIT ${mostPerKind}::int)
      UNION ALL
      (SELECT 'cancel', i.* FROM invocation later JOIN invocation i ON i.conversation_id = later.conversation_id AND i.input_position < later.input_position
       WHERE later.status = 'queued' AND later.enqueued_at IS NULL AND later.dispatch = 0 AND later.multitask_strategy IN ('interrupt', 'rollback')
         AND later.created_at < now() - interval '400 ms' AND i.status IN ('queued', 'running') AND i.cancel_requested_at IS NULL
       LIMIT ${mostPerKind}::int)
      UNION ALL
      (SELECT 'expire', i.* FROM invocation i WHERE i.status = 'queued' AND i.deadline_at < now() LIMIT ${mostPerKind}::int)
      UNION ALL
      (SELECT 'lost', i.* FROM invocation i
       WHERE i.status = 'running' AND (i.worker_id IN (SELECT id FROM dead) OR NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = i.worker_id))
       LIMIT ${mostPerKind}::int))
    SELECT kind, id AS "invocationId", conversation_id AS "conversationId", workspace_id AS "workspaceId", provider, attempt, dispatch,
           greatest(0, coalesce(extract(epoch FROM available_at - now()) * 1000, 0))::float8 AS "delayMs", worker_id AS "workerId",
           lost_attempts AS "lostAttempts", settings->>'onWorkerLoss' AS "onWorkerLoss",
           cancel_requested_at IS NOT NULL AS "cancelRequested"
    FROM chores`;
}

export type EnqueuedRow = {
  invocationId: string;
  conversationId: string;
  provider: ProviderName;
  dispatch: number;
  delayMs: number;
  begun: boolean;
};

/** Queued rows whose job should be in Redis for a while now, in pages by id. */
export async function findEnqueued(database: Queryable, afterId: string, limit: number): Promise<EnqueuedRow[]> {
  return database.query<EnqueuedRow>`
    SELECT id AS "invocationId", conversation_id AS "conversationId", provider, dispatch, attempt > 0 AS begun,
           greatest(0, coalesce(extract(epoch FROM available_at - now()) * 1000, 0))::float8 AS "delayMs"
    FROM invocation
    WHERE status = 'queued' AND id > ${afterId}::uuid AND enqueued_at < now() - interval '1 s'
    ORDER BY id LIMIT ${limit}::int`;
}

/** Which of these workers are there and have been heard within 3 s. */
export async function findAlive(database: Queryable, workerIds: string[]): Promise<Set<string>> {
  const rows = await database.query<{ id: string }>`
    SELECT id FROM worker WHERE id = ANY(${workerIds}::uuid[]) AND heartbeat_at > now() - interval '3 s'`;
  return new Set(rows.map((row) => row.id));
}
