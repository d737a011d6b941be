import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import { isLifeLockHeld } from '@nexus/common/postgres/is-life-lock-held';
import { msAgo } from '@nexus/common/postgres/ms-ago';
import type { Queryable } from '@nexus/common/postgres/queryable';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import { liveness } from '@nexus/common/timing/liveness';

export type WorkerIdentity = {
  id: string;
  hostname: string;
  pid: number;
  providers: ProviderName[];
  /** Listed in WORKER_PROVIDERS, but without credentials. The API reports that to clients. */
  unconfigured: ProviderName[];
  concurrency: number;
};

/**
 * Inserts or refreshes the worker's row, and returns the key of its advisory lock. Also deletes the rows of workers that were killed long ago,
 * because nothing else does. A row with a running invocation stays: only the sweep may declare that invocation lost.
 */
export async function registerWorker(database: Queryable, worker: WorkerIdentity): Promise<number> {
  const [row] = await database.query<{ lockKey: number }>`
    WITH gone AS (DELETE FROM worker WHERE id <> ${worker.id}::uuid AND heartbeat_at < ${msAgo(liveness.forgottenMs)}
                  AND NOT EXISTS (SELECT 1 FROM invocation i WHERE i.status = 'running' AND i.worker_id = worker.id))
    INSERT INTO worker (id, hostname, pid, providers, unconfigured, concurrency)
    VALUES (${worker.id}::uuid, ${worker.hostname}, ${worker.pid}, ${worker.providers}::text[], ${worker.unconfigured}::text[], ${worker.concurrency})
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()
    RETURNING lock_key::int AS "lockKey"`;
  if (!row) throw new Error('the worker row was not written');
  return row.lockKey;
}

export async function unregisterWorker(database: Queryable, workerId: string): Promise<void> {
  await database.query`DELETE FROM worker WHERE id = ${workerId}::uuid`;
}

export type Verdict = { invocationId: string; verdict: 'lost' | 'cancelled' };
export type Heartbeat = { known: boolean; verdicts: Verdict[]; notInHand: AttemptId[] };

/**
 * Updates the worker's heartbeat. The same statement returns which of its attempts must stop (`verdicts`), and which running rows name this
 * worker although their jobs are not in hand (`notInHand`).
 */
export async function beatHeart(
  database: Queryable,
  workerId: string,
  attempts: AttemptId[],
  inHand: string[],
): Promise<Heartbeat> {
  const [row] = await database.query<Heartbeat>`
    WITH beat AS (
      UPDATE worker w SET heartbeat_at = now(), steady_since = CASE WHEN w.heartbeat_at < ${msAgo(liveness.silentMs)} THEN now() ELSE w.steady_since END,
             lock_held = ${isLifeLockHeld('w.lock_key')} WHERE id = ${workerId}::uuid RETURNING id),
    verdicts AS (
      SELECT i.id AS "invocationId",
             CASE WHEN i.attempt <> mine.attempt OR i.status <> 'running' THEN 'lost' ELSE 'cancelled' END AS verdict
      FROM unnest(${attempts.map((each) => each.invocationId)}::uuid[], ${attempts.map((each) => each.attempt)}::int[]) AS mine(id, attempt)
      JOIN invocation i ON i.id = mine.id
      WHERE i.attempt <> mine.attempt OR i.status <> 'running' OR i.cancel_requested_at IS NOT NULL),
    not_in_hand AS (
      SELECT id AS "invocationId", conversation_id AS "conversationId", attempt FROM invocation
      WHERE status = 'running' AND worker_id = ${workerId}::uuid AND id <> ALL(${inHand}::uuid[]))
    SELECT EXISTS (SELECT 1 FROM beat) AS known, coalesce((SELECT jsonb_agg(verdicts) FROM verdicts), '[]') AS verdicts,
           coalesce((SELECT jsonb_agg(not_in_hand) FROM not_in_hand), '[]') AS "notInHand"`;
  return row ?? { known: false, verdicts: [], notInHand: [] };
}
