import type { MultitaskStrategy } from '@nexus/protocol/multitask-strategy';
import { type InputColumn, inputRows } from '../postgres/input-rows.ts';
import { msAgo } from '../postgres/ms-ago.ts';
import { Prisma } from '../postgres/open-database.ts';
import { liveness } from '../timing/liveness.ts';
import { hasStatus } from './has-status.ts';

/** One insertion, with the ids that it is going to have. */
export type Item = {
  invocationId: string;
  workspaceId: string;
  apiKeyId: string | null;
  userId: string | null;
  /** null: the statement inserts a new conversation with the id `conversationId`. */
  existingId: string | null;
  conversationId: string;
  messageId: string;
  agentId: string;
  strategy: MultitaskStrategy;
  content: string;
  title: string;
  /** JSON. */
  overrides: string;
  metadata: string;
  idempotencyKey: string | null;
  requestHash: Uint8Array<ArrayBuffer> | null;
  deadlineMs: number | null;
  /** `messages` as JSON; null: the conversation's history is its context. */
  context: { messages: string; systemText: string; store: boolean } | null;
};

/** An idempotency key is valid for this long. */
export const idempotencyHours = 24;

export function wantsInterrupt(strategy: MultitaskStrategy): boolean {
  return strategy === 'interrupt' || strategy === 'rollback';
}

const itemColumns: InputColumn<Item>[] = [
  ['invocation_id', 'uuid', (item) => item.invocationId],
  ['workspace_id', 'uuid', (item) => item.workspaceId],
  ['api_key_id', 'uuid', (item) => item.apiKeyId],
  ['user_id', 'text', (item) => item.userId],
  ['existing_id', 'uuid', (item) => item.existingId],
  ['conversation_id', 'uuid', (item) => item.conversationId],
  ['message_id', 'uuid', (item) => item.messageId],
  ['agent_id', 'uuid', (item) => item.agentId],
  ['strategy', 'text', (item) => item.strategy],
  ['content', 'text', (item) => item.content],
  ['title', 'text', (item) => item.title],
  ['overrides', 'text', (item) => item.overrides],
  ['metadata', 'text', (item) => item.metadata],
  ['idempotency_key', 'text', (item) => item.idempotencyKey],
  ['request_hash', 'bytea', (item) => item.requestHash],
  ['deadline_ms', 'float8', (item) => item.deadlineMs],
];
const itemRows = inputRows<Item>('item', itemColumns);
const itemRowsWithContext = inputRows<Item>('item', [
  ...itemColumns,
  ['context_messages', 'text', (item) => item.context?.messages ?? null],
  ['context_system_text', 'text', (item) => item.context?.systemText ?? null],
  ['context_store', 'bool', (item) => item.context?.store ?? null],
]);

function given(wanted: boolean, sql: Prisma.Sql): Prisma.Sql {
  return wanted ? sql : Prisma.empty;
}

const known = Prisma.sql`, known AS (
      SELECT item.n, i.* FROM item JOIN invocation i ON i.workspace_id = item.workspace_id AND i.idempotency_key = item.idempotency_key
      WHERE i.created_at > now() - ${idempotencyHours}::int * interval '1 hour'
    )`;

const knownRow = Prisma.sql`(SELECT jsonb_build_object(
        'id', known.id, 'conversationId', known.conversation_id, 'agentId', known.agent_id, 'status', known.status, 'provider', known.provider,
        'createdAt', to_char(known.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'dispatch', known.dispatch,
        'multitaskStrategy', known.multitask_strategy, 'requestHash', encode(known.request_hash, 'hex')) FROM known WHERE known.n = item.n)`;

/** Locks the conversations in the order of their ids, and fails instead of waiting for a lock. */
const locked = Prisma.sql`, locked AS (
      SELECT c.id FROM asked JOIN conversation c ON c.id = asked.existing_id AND c.workspace_id = asked.workspace_id
      WHERE asked.active AND NOT asked.unconfigured AND NOT asked.lacks_connection
      ORDER BY c.id FOR NO KEY UPDATE OF c NOWAIT
    )`;

const joined = (several: boolean) => Prisma.sql`, joined AS (
      UPDATE conversation c SET message_count = c.message_count + 1, line = c.line || asked.invocation_id, updated_at = now()
      FROM asked ${given(several, Prisma.sql`JOIN locked ON locked.id = asked.existing_id`)}
      WHERE c.id = asked.existing_id AND c.workspace_id = asked.workspace_id AND asked.active AND NOT asked.unconfigured AND NOT asked.lacks_connection
        AND (asked.strategy <> 'reject' OR cardinality(c.line) = 0)
      RETURNING asked.*, c.message_count, c.line
    )`;

const planned = Prisma.sql`, planned AS (
      SELECT asked.*, 1 AS message_count, ARRAY[invocation_id] AS line FROM asked
      WHERE existing_id IS NULL AND active AND NOT unconfigured AND NOT lacks_connection
    )`;

const opened = Prisma.sql`, opened AS (
      INSERT INTO conversation (id, workspace_id, user_id, title, message_count, line)
      SELECT conversation_id, workspace_id, user_id, title, message_count, line FROM planned
    )`;

const openedWithKind = Prisma.sql`, opened AS (
      INSERT INTO conversation (id, workspace_id, user_id, title, message_count, line, kind)
      SELECT conversation_id, workspace_id, user_id, title, message_count, line,
             (CASE WHEN context_messages IS NULL THEN 'normal' ELSE 'ephemeral' END)::"ConversationKind" FROM planned
    ), brought AS (
      INSERT INTO invocation_context (invocation_id, messages, system_text, store)
      SELECT invocation_id, context_messages::jsonb, context_system_text, context_store FROM planned WHERE context_messages IS NOT NULL
    )`;

const interrupted = Prisma.sql`, interrupted AS (
      UPDATE invocation i SET cancel_requested_at = coalesce(i.cancel_requested_at, now()), rolled_back = i.rolled_back OR place.strategy = 'rollback'
      FROM place, unnest(place.line) AS earlier(id)
      WHERE place.strategy IN ('interrupt', 'rollback') AND i.id = earlier.id AND i.id <> place.invocation_id AND ${hasStatus('i', 'queued', 'running')}
    )`;

/**
 * Inserts these items, with only the clauses that they need: Postgres takes longer to start a clause than to run it for one row. Returns one
 * row for each item, in their order.
 */
export function toInsertStatement(items: Item[]): Prisma.Sql {
  const several = items.length > 1;
  const opens = items.some((item) => item.existingId === null);
  const joins = items.some((item) => item.existingId !== null);
  const withKey = items.some((item) => item.idempotencyKey !== null);
  const withContext = items.some((item) => item.context !== null);
  const interrupts = items.some((item) => wantsInterrupt(item.strategy));
  const places = Prisma.raw(
    [...(joins ? ['joined'] : []), ...(opens ? ['planned'] : [])].join(' UNION ALL SELECT * FROM '),
  );

  return Prisma.sql`
    WITH ${withContext ? itemRowsWithContext(items) : itemRows(items)}
    ${given(withKey, known)}
    , asked AS (
      SELECT item.*, a.provider, a.active,
             a.connection_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM connection c WHERE c.id = a.connection_id AND c.workspace_id = a.workspace_id AND c.provider = a.provider) AS lacks_connection,
             a.connection_id IS NULL AND EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.unconfigured) AND w.heartbeat_at > ${msAgo(liveness.hungMs)})
             AND NOT EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.providers) AND w.heartbeat_at > ${msAgo(liveness.hungMs)}) AS unconfigured,
             jsonb_build_object(
               'provider', a.provider, 'connectionId', a.connection_id, 'model', a.model, 'systemPrompt', a.system_prompt, 'temperature', a.temperature,
               'topP', a.top_p, 'maxOutputTokens', a.max_output_tokens, 'contextTokens', a.context_tokens,
               'firstTokenTimeoutMs', a.first_token_timeout_ms, 'idleTimeoutMs', a.idle_timeout_ms,
               'totalTimeoutMs', a.total_timeout_ms, 'onWorkerLoss', a.on_worker_loss) || item.overrides::jsonb AS settings
      FROM item JOIN agent a ON a.id = item.agent_id AND a.workspace_id = item.workspace_id
      ${given(withKey, Prisma.sql`WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.n = item.n)`)}
    )
    ${given(joins && several, locked)}
    ${given(joins, joined(several))}
    ${given(opens, planned)}
    , place AS NOT MATERIALIZED (SELECT * FROM ${places})
    ${given(opens, withContext ? openedWithKind : opened)}
    , said AS (
      INSERT INTO message (id, workspace_id, conversation_id, position, role, content, invocation_id)
      SELECT message_id, workspace_id, conversation_id, message_count, 'user', content, invocation_id FROM place
    ), made AS (
      INSERT INTO invocation (id, workspace_id, api_key_id, user_id, conversation_id, agent_id, provider, model, multitask_strategy, settings, metadata, dispatch,
                              input_message_id, input_position, idempotency_key, request_hash, deadline_at)
      SELECT invocation_id, workspace_id, api_key_id, user_id, conversation_id, agent_id, provider, settings->>'model', strategy::"MultitaskStrategy", settings,
             metadata::jsonb, CASE WHEN strategy = 'parallel' OR cardinality(line) = 1 THEN 1 ELSE 0 END, message_id, message_count,
             idempotency_key, request_hash, now() + deadline_ms * interval '1 ms'
      FROM place
      RETURNING id, created_at, dispatch
    )
    ${given(interrupts, interrupted)}
    SELECT
      made.created_at AS "createdAt", coalesce(made.dispatch, 0) AS dispatch, coalesce(array_remove(place.line, item.invocation_id), '{}') AS before,
      ${withKey ? knownRow : Prisma.sql`NULL`} AS known,
      CASE WHEN asked.n IS NOT NULL THEN jsonb_build_object('active', asked.active, 'provider', asked.provider, 'unconfigured', asked.unconfigured,
        'lacksConnection', asked.lacks_connection) END AS agent,
      item.existing_id IS NULL OR place.n IS NOT NULL
        OR EXISTS (SELECT 1 FROM conversation c WHERE c.id = item.existing_id AND c.workspace_id = item.workspace_id) AS "conversationFound"
    FROM item LEFT JOIN asked ON asked.n = item.n LEFT JOIN place ON place.n = item.n LEFT JOIN made ON made.id = item.invocation_id
    ORDER BY item.n`;
}
