import type { MultitaskStrategy } from '@nexus/common/invocation';
import { Prisma, type PrismaClient } from '@nexus/common/open-database';
import { v7 as uuidv7 } from 'uuid';
import type { NewInvocation } from './invocation-input.ts';

type Database = Pick<PrismaClient, '$queryRaw'>;

export type Insertion = {
  workspaceId: string;
  input: NewInvocation;
  idempotencyKey: string | null;
  requestHash: Uint8Array<ArrayBuffer>;
};

/** The invocation as it stands, new or known from an earlier request with the same key. */
export type InsertedInvocation = {
  id: string;
  conversationId: string;
  agentId: string | null;
  status: string;
  provider: string;
  createdAt: string;
  dispatch: number;
  multitaskStrategy: MultitaskStrategy;
  /** Hex; null when the request had no idempotency key. */
  requestHash: string | null;
};

export type InsertResult = {
  /** Written by this very statement. */
  created: InsertedInvocation | null;
  /** Written by an earlier request with the same idempotency key. */
  known: InsertedInvocation | null;
  /** null: no such agent. */
  agent: { active: boolean; provider: string; unconfigured: boolean } | null;
  conversationFound: boolean;
  /** The unfinished invocations that stood in line before it. */
  before: string[];
  /** 1-based place among the queued of its provider, counted up to `mostCounted`. */
  position: number;
};

const row = Prisma.sql`jsonb_build_object(
  'id', id, 'conversationId', conversation_id, 'agentId', agent_id, 'status', status, 'provider', provider,
  'createdAt', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'dispatch', dispatch, 'multitaskStrategy', multitask_strategy,
  'requestHash', encode(request_hash, 'hex'))`;

/** Key and hash live this long. */
const idempotencyHours = 24;
const mostCounted = 1_000;
const titleLength = 80;

/**
 * Conversation (when new), message and invocation in one statement, decided under the conversation's row lock: Postgres checks the
 * WHERE of the UPDATE again on the newest version of the row, so that the position and `reject` hold against any other writer.
 * The row is the outbox: nothing is on the queue yet. Throws a unique violation when another request with the same key was quicker.
 */
export async function insertInvocation(
  database: Database,
  { workspaceId, input, idempotencyKey, requestHash }: Insertion,
): Promise<InsertResult> {
  const invocationId = uuidv7();
  const isNew = input.conversationId === undefined;
  const conversationId = input.conversationId ?? uuidv7();
  const messageId = uuidv7();
  const { agentId, message, multitaskStrategy: strategy } = input;
  const cancels = strategy === 'interrupt' || strategy === 'rollback';
  const [result] = await database.$queryRaw<[InsertResult]>`
    WITH known AS (
      SELECT * FROM invocation
      WHERE workspace_id = ${workspaceId}::uuid AND idempotency_key = ${idempotencyKey}::text
        AND created_at > now() - ${idempotencyHours}::int * interval '1 hour'
    ), chosen AS (
      SELECT a.*, EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.unconfigured) AND w.heartbeat_at > now() - interval '30 s')
             AND NOT EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.providers) AND w.heartbeat_at > now() - interval '30 s') AS unconfigured
      FROM agent a WHERE a.id = ${agentId}::uuid AND a.workspace_id = ${workspaceId}::uuid
    ), fit AS (
      SELECT * FROM chosen WHERE active AND NOT unconfigured AND NOT EXISTS (SELECT 1 FROM known)
    ), opened AS (
      INSERT INTO conversation (id, workspace_id, title, message_count, line)
      SELECT ${conversationId}::uuid, ${workspaceId}::uuid, ${toTitle(message)}::text, 1, ARRAY[${invocationId}::uuid] FROM fit WHERE ${isNew}::bool
      RETURNING id, message_count, line
    ), joined AS (
      UPDATE conversation c SET message_count = c.message_count + 1, line = c.line || ${invocationId}::uuid, updated_at = now()
      FROM fit
      WHERE NOT ${isNew}::bool AND c.id = ${conversationId}::uuid AND c.workspace_id = ${workspaceId}::uuid
        AND (${strategy}::text <> 'reject' OR cardinality(c.line) = 0)
      RETURNING c.id, c.message_count, c.line
    ), place AS (
      SELECT * FROM opened UNION ALL SELECT * FROM joined
    ), said AS (
      INSERT INTO message (id, workspace_id, conversation_id, position, role, content, invocation_id)
      SELECT ${messageId}::uuid, ${workspaceId}::uuid, place.id, place.message_count, 'user', ${message}::text, ${invocationId}::uuid FROM place
    ), made AS (
      INSERT INTO invocation (id, workspace_id, conversation_id, agent_id, provider, model, multitask_strategy, settings, metadata, dispatch,
                              input_message_id, input_position, idempotency_key, request_hash, deadline_at)
      SELECT ${invocationId}::uuid, ${workspaceId}::uuid, place.id, fit.id, fit.provider, used.settings->>'model',
             ${strategy}::"MultitaskStrategy", used.settings, ${JSON.stringify(input.metadata)}::jsonb,
             CASE WHEN ${strategy}::text = 'parallel' OR cardinality(place.line) = 1 THEN 1 ELSE 0 END,
             ${messageId}::uuid, place.message_count, ${idempotencyKey}::text, ${requestHash}::bytea,
             now() + ${input.deadlineMs ?? null}::float8 * interval '1 ms'
      FROM place, fit, LATERAL (SELECT jsonb_build_object(
        'provider', fit.provider, 'model', fit.model, 'systemPrompt', fit.system_prompt, 'temperature', fit.temperature, 'topP', fit.top_p,
        'maxOutputTokens', fit.max_output_tokens, 'contextTokens', fit.context_tokens, 'firstTokenTimeoutMs', fit.first_token_timeout_ms,
        'idleTimeoutMs', fit.idle_timeout_ms, 'totalTimeoutMs', fit.total_timeout_ms, 'onWorkerLoss', fit.on_worker_loss
      ) || ${JSON.stringify(input.overrides)}::jsonb AS settings) used
      RETURNING *
    ), interrupted AS (
      UPDATE invocation i SET cancel_requested_at = coalesce(i.cancel_requested_at, now()), rolled_back = i.rolled_back OR ${strategy}::text = 'rollback'
      FROM place WHERE ${cancels}::bool AND i.id = ANY(place.line) AND i.id <> ${invocationId}::uuid AND i.status IN ('queued', 'running')
    )
    SELECT
      (SELECT ${row} FROM made) AS created,
      (SELECT ${row} FROM known) AS known,
      (SELECT jsonb_build_object('active', active, 'provider', provider, 'unconfigured', unconfigured) FROM chosen) AS agent,
      ${isNew}::bool OR EXISTS (SELECT 1 FROM conversation c WHERE c.id = ${conversationId}::uuid AND c.workspace_id = ${workspaceId}::uuid) AS "conversationFound",
      coalesce((SELECT array_remove(line, ${invocationId}::uuid) FROM place), '{}') AS before,
      (SELECT count(*)::int + 1 FROM (
        SELECT 1 FROM invocation q JOIN made ON q.provider = made.provider WHERE q.status = 'queued' LIMIT ${mostCounted}::int) ahead) AS position`;
  return result;
}

function toTitle(message: string): string {
  return [
    ...message
      .trim()
      .slice(0, 2 * titleLength)
      .replaceAll(/\s+/g, ' '),
  ]
    .slice(0, titleLength)
    .join('');
}

/** Frees a key whose day is over, so that it can be used again. */
export async function releaseOldKey(database: Database, workspaceId: string, key: string): Promise<void> {
  await database.$queryRaw`
    UPDATE invocation SET idempotency_key = NULL
    WHERE workspace_id = ${workspaceId}::uuid AND idempotency_key = ${key}::text
      AND created_at <= now() - ${idempotencyHours}::int * interval '1 hour'`;
}
