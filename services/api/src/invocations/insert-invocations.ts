import type { MultitaskStrategy } from '@nexus/common/invocation';
import { Prisma, type PrismaClient } from '@nexus/common/open-database';
import { waitingOnlyAlone } from '@nexus/common/row-locks';
import { v7 as uuidv7 } from 'uuid';
import type { NewInvocation } from './invocation-input.ts';

type Database = Pick<PrismaClient, '$queryRaw'>;

export type Insertion = {
  workspaceId: string;
  input: NewInvocation;
  idempotencyKey: string | null;
  /** null without an idempotency key. */
  requestHash: Uint8Array<ArrayBuffer> | null;
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

const row = (of: 'known' | 'made') =>
  Prisma.raw(`jsonb_build_object(
  'id', ${of}.id, 'conversationId', ${of}.conversation_id, 'agentId', ${of}.agent_id, 'status', ${of}.status, 'provider', ${of}.provider,
  'createdAt', to_char(${of}.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'dispatch', ${of}.dispatch,
  'multitaskStrategy', ${of}.multitask_strategy, 'requestHash', encode(${of}.request_hash, 'hex'))`);

/** Key and hash live this long. */
const idempotencyHours = 24;
const mostCounted = 1_000;
const titleLength = 80;

/**
 * For each insertion its conversation (when new), message and invocation, in one statement, decided under the conversations' row
 * locks: Postgres checks the WHERE of the UPDATE again on the newest version of a row, so that the position and `reject` hold against
 * any other writer. The row is the outbox: nothing is on the queue yet. Results are in the order of the insertions, no two of which
 * may be of the same conversation or have the same key. Throws a unique violation when another request with the same key was
 * quicker; for several together, a refusal where one of their conversations is locked: to be tried one by one.
 */
export async function insertInvocations(database: Database, insertions: Insertion[]): Promise<InsertResult[]> {
  const column = <T>(read: (insertion: Insertion) => T): T[] => insertions.map(read);
  return database.$queryRaw<InsertResult[]>`
    WITH item AS (
      SELECT * FROM unnest(
        ${column(() => uuidv7())}::uuid[], ${column(({ workspaceId }) => workspaceId)}::uuid[], ${column(({ input }) => input.conversationId ?? null)}::uuid[],
        ${column(({ input }) => input.conversationId ?? uuidv7())}::uuid[], ${column(() => uuidv7())}::uuid[], ${column(({ input }) => input.agentId)}::uuid[],
        ${column(({ input }) => input.multitaskStrategy)}::text[], ${column(({ input }) => input.message)}::text[],
        ${column(({ input }) => toTitle(input.message))}::text[], ${column(({ input }) => JSON.stringify(input.overrides))}::text[],
        ${column(({ input }) => JSON.stringify(input.metadata))}::text[], ${column(({ idempotencyKey }) => idempotencyKey)}::text[],
        ${column(({ requestHash }) => requestHash)}::bytea[], ${column(({ input }) => input.deadlineMs ?? null)}::float8[]
      ) WITH ORDINALITY AS item(invocation_id, workspace_id, existing_id, conversation_id, message_id, agent_id, strategy, content, title,
                                overrides, metadata, idempotency_key, request_hash, deadline_ms, n)
    ), known AS (
      SELECT item.n, i.* FROM item JOIN invocation i ON i.workspace_id = item.workspace_id AND i.idempotency_key = item.idempotency_key
      WHERE i.created_at > now() - ${idempotencyHours}::int * interval '1 hour'
    ), chosen AS (
      SELECT item.n, a.*, EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.unconfigured) AND w.heartbeat_at > now() - interval '30 s')
             AND NOT EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.providers) AND w.heartbeat_at > now() - interval '30 s') AS unconfigured
      FROM item JOIN agent a ON a.id = item.agent_id AND a.workspace_id = item.workspace_id
    ), fit AS (
      SELECT item.*, chosen.provider, jsonb_build_object(
        'provider', chosen.provider, 'model', chosen.model, 'systemPrompt', chosen.system_prompt, 'temperature', chosen.temperature,
        'topP', chosen.top_p, 'maxOutputTokens', chosen.max_output_tokens, 'contextTokens', chosen.context_tokens,
        'firstTokenTimeoutMs', chosen.first_token_timeout_ms, 'idleTimeoutMs', chosen.idle_timeout_ms,
        'totalTimeoutMs', chosen.total_timeout_ms, 'onWorkerLoss', chosen.on_worker_loss) || item.overrides::jsonb AS settings
      FROM item JOIN chosen ON chosen.n = item.n
      WHERE chosen.active AND NOT chosen.unconfigured AND NOT EXISTS (SELECT 1 FROM known WHERE known.n = item.n)
    ), locked AS (
      SELECT c.id FROM fit JOIN conversation c ON c.id = fit.existing_id AND c.workspace_id = fit.workspace_id
      ORDER BY c.id FOR NO KEY UPDATE OF c ${waitingOnlyAlone(insertions)}
    ), opened AS (
      INSERT INTO conversation (id, workspace_id, title, message_count, line)
      SELECT conversation_id, workspace_id, title, 1, ARRAY[invocation_id] FROM fit WHERE existing_id IS NULL
      RETURNING id, message_count, line
    ), joined AS (
      UPDATE conversation c SET message_count = c.message_count + 1, line = c.line || fit.invocation_id, updated_at = now()
      FROM fit JOIN locked ON locked.id = fit.existing_id
      WHERE c.id = fit.existing_id AND c.workspace_id = fit.workspace_id AND (fit.strategy <> 'reject' OR cardinality(c.line) = 0)
      RETURNING c.id, c.message_count, c.line
    ), place AS (
      SELECT fit.*, at.message_count, at.line FROM fit JOIN (SELECT * FROM opened UNION ALL SELECT * FROM joined) at ON at.id = fit.conversation_id
    ), said AS (
      INSERT INTO message (id, workspace_id, conversation_id, position, role, content, invocation_id)
      SELECT message_id, workspace_id, conversation_id, message_count, 'user', content, invocation_id FROM place
    ), made AS (
      INSERT INTO invocation (id, workspace_id, conversation_id, agent_id, provider, model, multitask_strategy, settings, metadata, dispatch,
                              input_message_id, input_position, idempotency_key, request_hash, deadline_at)
      SELECT invocation_id, workspace_id, conversation_id, agent_id, provider, settings->>'model', strategy::"MultitaskStrategy", settings,
             metadata::jsonb, CASE WHEN strategy = 'parallel' OR cardinality(line) = 1 THEN 1 ELSE 0 END, message_id, message_count,
             idempotency_key, request_hash, now() + deadline_ms * interval '1 ms'
      FROM place
      RETURNING *
    ), interrupted AS (
      UPDATE invocation i SET cancel_requested_at = coalesce(i.cancel_requested_at, now()), rolled_back = i.rolled_back OR place.strategy = 'rollback'
      FROM place WHERE place.strategy IN ('interrupt', 'rollback') AND i.id = ANY(place.line) AND i.id <> place.invocation_id
        AND i.status IN ('queued', 'running')
    ), ahead AS (
      SELECT provider, (SELECT count(*)::int FROM (
        SELECT 1 FROM invocation q WHERE q.provider = providers.provider AND q.status = 'queued' LIMIT ${mostCounted}::int) queued) AS count
      FROM (SELECT DISTINCT provider FROM fit) providers
    )
    SELECT
      (SELECT ${row('made')} FROM made WHERE made.id = item.invocation_id) AS created,
      (SELECT ${row('known')} FROM known WHERE known.n = item.n) AS known,
      (SELECT jsonb_build_object('active', active, 'provider', provider, 'unconfigured', unconfigured) FROM chosen WHERE chosen.n = item.n) AS agent,
      item.existing_id IS NULL OR EXISTS (SELECT 1 FROM conversation c WHERE c.id = item.existing_id AND c.workspace_id = item.workspace_id) AS "conversationFound",
      coalesce(array_remove(place.line, item.invocation_id), '{}') AS before,
      coalesce(ahead.count, 0) + (count(place.n) OVER (PARTITION BY place.provider ORDER BY item.n))::int AS position
    FROM item LEFT JOIN place ON place.n = item.n LEFT JOIN ahead ON ahead.provider = place.provider
    ORDER BY item.n`;
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
