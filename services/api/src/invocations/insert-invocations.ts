import { hasStatus } from '@nexus/common/has-status';
import { inputRows } from '@nexus/common/input-rows';
import type { MultitaskStrategy } from '@nexus/common/invocation';
import { Prisma, type PrismaClient } from '@nexus/common/open-database';
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

/** Key and hash live this long. */
const idempotencyHours = 24;
const mostCounted = 1_000;
const titleLength = 80;

type Row = {
  known: InsertedInvocation | null;
  agent: InsertResult['agent'];
  conversationFound: boolean;
  /** null: it was not written. */
  createdAt: Date | null;
  dispatch: number;
  before: string[];
  ahead: number;
};

/**
 * For each insertion its conversation (when new), message and invocation, in one statement, decided under the conversations' row
 * locks: Postgres checks the WHERE of the UPDATE again on the newest version of a row, so that the position and `reject` hold against
 * any other writer. The row is the outbox: nothing is on the queue yet. Results are in the order of the insertions, no two of which
 * may be of the same conversation or have the same key. Throws a unique violation when another request with the same key was
 * quicker; for several together, a refusal where one of their conversations is locked: to be tried one by one.
 *
 * The statement has only the parts that its insertions need: to start each of them takes Postgres longer than to run it for one row.
 */
export async function insertInvocations(database: Database, insertions: Insertion[]): Promise<InsertResult[]> {
  const items = insertions.map(toItem);
  const several = items.length > 1;
  const opens = items.some((item) => item.existingId === null);
  const joins = items.some((item) => item.existingId !== null);
  const withKey = items.some((item) => item.idempotencyKey !== null);
  const interrupts = items.some((item) => wantsInterrupt(item.strategy));

  const rows = await database.$queryRaw<Row[]>`
    WITH ${itemRows(items)}
    ${part(withKey, known)}
    , asked AS (
      SELECT item.*, a.provider, a.active, EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.unconfigured) AND w.heartbeat_at > now() - interval '30 s')
             AND NOT EXISTS (SELECT 1 FROM worker w WHERE a.provider = ANY(w.providers) AND w.heartbeat_at > now() - interval '30 s') AS unconfigured,
             jsonb_build_object(
               'provider', a.provider, 'model', a.model, 'systemPrompt', a.system_prompt, 'temperature', a.temperature,
               'topP', a.top_p, 'maxOutputTokens', a.max_output_tokens, 'contextTokens', a.context_tokens,
               'firstTokenTimeoutMs', a.first_token_timeout_ms, 'idleTimeoutMs', a.idle_timeout_ms,
               'totalTimeoutMs', a.total_timeout_ms, 'onWorkerLoss', a.on_worker_loss) || item.overrides::jsonb AS settings
      FROM item JOIN agent a ON a.id = item.agent_id AND a.workspace_id = item.workspace_id
      ${part(withKey, Prisma.sql`WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.n = item.n)`)}
    )
    ${part(joins && several, locked)}
    ${part(joins, joined(several))}
    ${part(opens, begun)}
    , place AS NOT MATERIALIZED (SELECT * FROM ${Prisma.raw([joins && 'joined', opens && 'begun'].filter(Boolean).join(' UNION ALL SELECT * FROM '))})
    ${part(opens, opened)}
    , said AS (
      INSERT INTO message (id, workspace_id, conversation_id, position, role, content, invocation_id)
      SELECT message_id, workspace_id, conversation_id, message_count, 'user', content, invocation_id FROM place
    ), made AS (
      INSERT INTO invocation (id, workspace_id, conversation_id, agent_id, provider, model, multitask_strategy, settings, metadata, dispatch,
                              input_message_id, input_position, idempotency_key, request_hash, deadline_at)
      SELECT invocation_id, workspace_id, conversation_id, agent_id, provider, settings->>'model', strategy::"MultitaskStrategy", settings,
             metadata::jsonb, CASE WHEN strategy = 'parallel' OR cardinality(line) = 1 THEN 1 ELSE 0 END, message_id, message_count,
             idempotency_key, request_hash, now() + deadline_ms * interval '1 ms'
      FROM place
      RETURNING id, created_at, dispatch
    )
    ${part(interrupts, interrupted)}
    ${part(several, Prisma.sql`, ahead AS (SELECT provider, ${queued('providers')} AS count FROM (SELECT DISTINCT provider FROM place) providers)`)}
    SELECT
      made.created_at AS "createdAt", coalesce(made.dispatch, 0) AS dispatch, coalesce(array_remove(place.line, item.invocation_id), '{}') AS before,
      coalesce(${several ? Prisma.sql`ahead.count` : queued('place')}, 0) AS ahead, ${withKey ? knownRow : Prisma.sql`NULL`} AS known,
      CASE WHEN asked.n IS NOT NULL THEN jsonb_build_object('active', asked.active, 'provider', asked.provider, 'unconfigured', asked.unconfigured) END AS agent,
      item.existing_id IS NULL OR place.n IS NOT NULL
        OR EXISTS (SELECT 1 FROM conversation c WHERE c.id = item.existing_id AND c.workspace_id = item.workspace_id) AS "conversationFound"
    FROM item LEFT JOIN asked ON asked.n = item.n LEFT JOIN place ON place.n = item.n LEFT JOIN made ON made.id = item.invocation_id
      ${part(several, Prisma.sql`LEFT JOIN ahead ON ahead.provider = place.provider`)}
    ORDER BY item.n`;

  const placed = new Map<string, number>();
  return rows.map(({ createdAt, dispatch, ahead, ...found }, at) => {
    if (!createdAt || !found.agent) return { ...found, created: null, position: 0 };
    const { provider } = found.agent;
    const place = (placed.get(provider) ?? 0) + 1;
    placed.set(provider, place);
    const { invocationId, conversationId, agentId, strategy, requestHash } = items[at] as Item;
    const created: InsertedInvocation = {
      id: invocationId,
      conversationId,
      agentId,
      status: 'queued',
      provider,
      createdAt: createdAt.toISOString(),
      dispatch,
      multitaskStrategy: strategy,
      requestHash: requestHash && Buffer.from(requestHash).toString('hex'),
    };
    return { ...found, created, position: ahead + place };
  });
}

type Item = ReturnType<typeof toItem>;

function toItem({ workspaceId, input, idempotencyKey, requestHash }: Insertion) {
  return {
    invocationId: uuidv7(),
    workspaceId,
    existingId: input.conversationId ?? null,
    conversationId: input.conversationId ?? uuidv7(),
    messageId: uuidv7(),
    agentId: input.agentId,
    strategy: input.multitaskStrategy,
    content: input.message,
    title: input.conversationId === undefined ? toTitle(input.message) : '',
    overrides: JSON.stringify(input.overrides),
    metadata: JSON.stringify(input.metadata),
    idempotencyKey,
    requestHash,
    deadlineMs: input.deadlineMs ?? null,
  };
}

const itemRows = inputRows<Item>('item', [
  ['invocation_id', 'uuid', (item) => item.invocationId],
  ['workspace_id', 'uuid', (item) => item.workspaceId],
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
]);

export function wantsInterrupt(strategy: MultitaskStrategy): boolean {
  return strategy === 'interrupt' || strategy === 'rollback';
}

function part(wanted: boolean, sql: Prisma.Sql): Prisma.Sql {
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

/** Several take their locks in one order, and none waits for one that is taken. */
const locked = Prisma.sql`, locked AS (
      SELECT c.id FROM asked JOIN conversation c ON c.id = asked.existing_id AND c.workspace_id = asked.workspace_id
      ORDER BY c.id FOR NO KEY UPDATE OF c NOWAIT
    )`;

const joined = (several: boolean) => Prisma.sql`, joined AS (
      UPDATE conversation c SET message_count = c.message_count + 1, line = c.line || asked.invocation_id, updated_at = now()
      FROM asked ${part(several, Prisma.sql`JOIN locked ON locked.id = asked.existing_id`)}
      WHERE c.id = asked.existing_id AND c.workspace_id = asked.workspace_id AND asked.active AND NOT asked.unconfigured
        AND (asked.strategy <> 'reject' OR cardinality(c.line) = 0)
      RETURNING asked.*, c.message_count, c.line
    )`;

const begun = Prisma.sql`, begun AS (
      SELECT asked.*, 1 AS message_count, ARRAY[invocation_id] AS line FROM asked
      WHERE existing_id IS NULL AND active AND NOT unconfigured
    )`;

const queued = (row: string) => Prisma.sql`(SELECT count(*)::int FROM (
        SELECT 1 FROM invocation q WHERE q.provider = ${Prisma.raw(row)}.provider AND q.status = 'queued' LIMIT ${mostCounted}::int) queued)`;

const opened = Prisma.sql`, opened AS (
      INSERT INTO conversation (id, workspace_id, title, message_count, line)
      SELECT conversation_id, workspace_id, title, message_count, line FROM begun
    )`;

const interrupted = Prisma.sql`, interrupted AS (
      UPDATE invocation i SET cancel_requested_at = coalesce(i.cancel_requested_at, now()), rolled_back = i.rolled_back OR place.strategy = 'rollback'
      FROM place, unnest(place.line) AS earlier(id)
      WHERE place.strategy IN ('interrupt', 'rollback') AND i.id = earlier.id AND i.id <> place.invocation_id AND ${hasStatus('i', 'queued', 'running')}
    )`;

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
