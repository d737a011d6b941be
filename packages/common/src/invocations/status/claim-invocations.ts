import type { ErrorCode } from '@nexus/protocol/error-codes';
import { isLifeLockHeld } from '../../postgres/is-life-lock-held.ts';
import { msAgo } from '../../postgres/ms-ago.ts';
import { Prisma } from '../../postgres/open-database.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import type { InvocationJob } from '../../queue/invocation-queue.ts';
import { liveness } from '../../timing/liveness.ts';
import { hasStatus } from '../has-status.ts';
import { type ContextMessage, joinSystemText, type Turn, toHistory } from '../invocation-context.ts';
import type { InvocationSettings } from '../invocation-settings.ts';
import { jobsInLockOrder } from '../row-locks.ts';
import type { AttemptId } from './attempt-id.ts';

export type Claim = AttemptId & {
  workspaceId: string;
  agentId: string | null;
  /** null when the agent was deleted. */
  agentName: string | null;
  settings: InvocationSettings;
  inputMessageId: string;
  input: string;
  /** Messages of earlier turns, newest first, bounded by the size of the agent's context; or those that the request brought along. */
  history: Turn[];
  /** Milliseconds until the deadline; null when it has none. */
  deadlineInMs: number | null;
  /** Milliseconds from the request to this claim. */
  waitedMs: number;
  lostAttempts: number;
  /** Why the previous attempt ended; null for the first attempt. */
  restartReason: ErrorCode | null;
};

/** Tokens have on average fewer characters than this. Limits how much history is loaded for a context. */
const charactersPerToken = 16;
/** Limits the turns that are read for one context. */
const turnsPerContext = 500;

/** The parts of an invocation from which its context is built. */
export type ContextSource = Pick<Claim, 'settings' | 'input' | 'history'>;

/** The columns of a `ContextSource`, for an invocation `c` whose input is the message `m`. */
const contextColumns = Prisma.sql`c.settings, m.content AS input,
  coalesce((
    SELECT jsonb_agg(to_jsonb(h) - 'characters' ORDER BY h.turn DESC, h.position DESC) FROM (
      SELECT msg.role, msg.content, msg.token_count AS "tokenCount", t.input_position AS turn, msg.position,
             sum(length(msg.content)) OVER (ORDER BY t.input_position DESC) AS characters
      FROM (SELECT id, input_position FROM invocation
            WHERE conversation_id = c.conversation_id AND input_position < c.input_position AND NOT rolled_back
            ORDER BY input_position DESC LIMIT ${turnsPerContext}::int) t
      JOIN message msg ON msg.invocation_id = t.id AND msg.type = 'message') h
    WHERE h.characters <= (c.settings->>'contextTokens')::bigint * ${charactersPerToken}::int), '[]') AS history,
  (SELECT jsonb_build_object('messages', x.messages, 'systemText', x.system_text) FROM invocation_context x WHERE x.invocation_id = c.id) AS brought`;

/** What the request brought along; null when it goes on in a conversation. */
export type WithBrought = { brought: { messages: ContextMessage[]; systemText: string } | null };

/** The request's messages stand for the history, and its system text comes after the agent's. */
function withContext<T extends ContextSource>(row: T & WithBrought): T {
  const { brought, settings } = row;
  if (!brought) return row;
  const systemPrompt = joinSystemText(settings.systemPrompt, brought.systemText);
  return { ...row, settings: { ...settings, systemPrompt }, history: toHistory(brought.messages) };
}

/** Reads the context source of this invocation; null: no such invocation. */
export async function loadContextSource(database: Queryable, invocationId: string): Promise<ContextSource | null> {
  const [row] = await database.query<ContextSource & WithBrought>`
    SELECT ${contextColumns} FROM invocation c JOIN message m ON m.id = c.input_message_id WHERE c.id = ${invocationId}::uuid`;
  return row ? withContext(row) : null;
}

/**
 * queued → running, for the dispatch that each job names. Returns the claims in the order of the jobs. Two jobs must not name the same invocation.
 * null: another worker has the invocation, or it has ended. The statement claims nothing for a worker that other workers may count as dead:
 * the reply might not reach that worker.
 */
export async function claimInvocations(
  database: Queryable,
  jobs: InvocationJob[],
  workerId: string,
): Promise<(Claim | null)[]> {
  const claims = await database.query<Claim & WithBrought>`
    WITH ${jobsInLockOrder(jobs)}
    , claimed AS (
      UPDATE invocation i SET status = 'running', attempt = attempt + 1, worker_id = ${workerId}::uuid,
             started_at = coalesce(started_at, now()), enqueued_at = coalesce(enqueued_at, now()), available_at = NULL
      FROM job
      WHERE i.id = job.id AND i.dispatch = job.dispatch AND ${hasStatus('i', 'queued')}
        AND i.cancel_requested_at IS NULL AND (i.deadline_at IS NULL OR i.deadline_at > now())
        AND EXISTS (SELECT 1 FROM worker w WHERE w.id = ${workerId}::uuid AND w.heartbeat_at > ${msAgo(liveness.hungMs)}
                    AND (w.heartbeat_at > ${msAgo(liveness.silentMs)} OR ${isLifeLockHeld('w.lock_key')}))
      RETURNING i.*)
    SELECT c.id AS "invocationId", c.conversation_id AS "conversationId", c.workspace_id AS "workspaceId",
           c.agent_id AS "agentId", (SELECT name FROM agent WHERE id = c.agent_id) AS "agentName", c.attempt, c.input_message_id AS "inputMessageId",
           c.lost_attempts AS "lostAttempts", c.error_code AS "restartReason",
           (extract(epoch FROM c.deadline_at - now()) * 1000)::float8 AS "deadlineInMs",
           (extract(epoch FROM now() - c.created_at) * 1000)::float8 AS "waitedMs",
           ${contextColumns}
    FROM claimed c JOIN message m ON m.id = c.input_message_id`;
  const byId = new Map(claims.map((claim) => [claim.invocationId, withContext(claim)]));
  return jobs.map((job) => byId.get(job.invocationId) ?? null);
}
