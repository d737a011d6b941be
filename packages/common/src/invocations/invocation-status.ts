import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import { inputRows } from '../postgres/input-rows.ts';
import { newId } from '../postgres/new-id.ts';
import { Prisma, type PrismaClient } from '../postgres/open-database.ts';
import type { Dispatch, InvocationJob } from '../queue/invocation-queue.ts';
import type { ProviderName } from '../queue/provider-name.ts';
import { hasStatus } from './has-status.ts';
import { jobsInLockOrder, waitingOnlyAlone } from './row-locks.ts';
import { type AttemptUsage, unknownUsage, usedBy } from './usage-record.ts';

/**
 * The one place that changes an invocation's status, but for the claim (claim-invocations.ts). Each change is one conditional
 * statement; its result says whether it took effect, and only then may anything be announced. Lock order: conversation, then
 * invocation. Times are the database's.
 */

type Database = Pick<PrismaClient, '$queryRaw'>;

/** Names a row as a writer saw it: the statement has no effect once the attempt has moved on. */
export type Held = { invocationId: string; conversationId: string; attempt: number };

/** How an invocation ends. Empty text means that no message is kept. */
export type Outcome = {
  status: Exclude<InvocationStatus, 'queued' | 'running'>;
  text: string;
  textTokens: number | null;
  reasoning: string;
  inputTokens: number | null;
  finishReason: string | null;
  error: { code: ErrorCode; message: string } | null;
  /** The seq that the terminal event is going to have. */
  lastSeq: number;
  /** Milliseconds since the first part arrived; null when none did. */
  firstTokenAgoMs: number | null;
  /** null when this attempt did not reach the provider. */
  usage: AttemptUsage | null;
};

/** How an ended invocation went, by the database's clock: from the request to its end, to its first part, and from the wish to cancel. */
export type Course = {
  provider: ProviderName;
  durationMs: number;
  /** null when nothing was said. */
  firstPartMs: number | null;
  /** null when nobody wanted to cancel it. */
  cancelMs: number | null;
};

/** What became of it: a cancel that was asked for in time wins over any other ending. */
export type Finished = Course & { status: Outcome['status']; messageId: string | null; waiting: boolean };

const courseOf = (row: 'done' | 'i' | 'changed') =>
  Prisma.raw(`${row}.provider,
  (extract(epoch FROM ${row}.finished_at - ${row}.created_at) * 1000)::float8 AS "durationMs",
  (extract(epoch FROM ${row}.first_token_at - ${row}.created_at) * 1000)::float8 AS "firstPartMs",
  (extract(epoch FROM ${row}.finished_at - ${row}.cancel_requested_at) * 1000)::float8 AS "cancelMs"`);

/** What is to become of an attempt. */
export type Finish = { held: Held; outcome: Outcome };

const endingRows = inputRows<Finish>('ending', [
  ['invocation_id', 'uuid', ({ held }) => held.invocationId],
  ['conversation_id', 'uuid', ({ held }) => held.conversationId],
  ['attempt', 'int', ({ held }) => held.attempt],
  ['new_status', 'text', ({ outcome }) => outcome.status],
  ['code', 'text', ({ outcome }) => outcome.error?.code ?? null],
  ['problem', 'text', ({ outcome }) => outcome.error?.message ?? null],
  ['reason', 'text', ({ outcome }) => outcome.finishReason],
  ['seq', 'bigint', ({ outcome }) => outcome.lastSeq],
  ['first_token_ago_ms', 'float8', ({ outcome }) => outcome.firstTokenAgoMs],
  ['answer_id', 'uuid', ({ outcome }) => (outcome.text === '' ? null : newId())],
  ['answer', 'text', ({ outcome }) => outcome.text],
  ['answer_tokens', 'int', ({ outcome }) => outcome.textTokens],
  ['thought_id', 'uuid', ({ outcome }) => (outcome.reasoning === '' ? null : newId())],
  ['thought', 'text', ({ outcome }) => outcome.reasoning],
  ['prompt_tokens', 'int', ({ outcome }) => outcome.inputTokens],
  ['usage_id', 'uuid', ({ outcome }) => (outcome.usage ? newId() : null)],
  ['used_input', 'int', ({ outcome }) => outcome.usage?.inputTokens ?? 0],
  ['used_output', 'int', ({ outcome }) => outcome.usage?.outputTokens ?? 0],
  ['used_cached', 'int', ({ outcome }) => outcome.usage?.cachedTokens ?? 0],
  ['used_source', 'text', ({ outcome }) => outcome.usage?.source ?? 'estimated'],
  ['cost', 'bigint', ({ outcome }) => outcome.usage?.costMicroUsd ?? null],
  ['prices', 'text', ({ outcome }) => outcome.usage?.priceTableVersion ?? null],
]);

/**
 * → completed | failed | cancelled, each with its messages and its usage, in the order of the finishes, no two of which may be of
 * the same conversation. null: the row has moved on; nothing may be said. Several together wait for nobody: where one of their
 * conversations is locked, all are refused, to be tried one by one.
 */
export async function finishInvocations(
  database: Database,
  from: 'queued' | 'running',
  finishes: Finish[],
): Promise<(Finished | null)[]> {
  const rows = await database.$queryRaw<(Finished & { id: string })[]>`
    WITH ${endingRows(finishes)}
    , held AS (
      SELECT id FROM conversation WHERE id = ANY(${finishes.map(({ held }) => held.conversationId)}::uuid[]) ORDER BY id FOR NO KEY UPDATE ${waitingOnlyAlone(finishes)}
    ), done AS (
      UPDATE invocation i SET
        status = CASE WHEN i.cancel_requested_at IS NULL THEN e.new_status::"InvocationStatus" ELSE 'cancelled' END,
        error_code = CASE WHEN i.cancel_requested_at IS NULL THEN e.code END,
        error_message = CASE WHEN i.cancel_requested_at IS NULL THEN e.problem END,
        finish_reason = e.reason, output_message_id = e.answer_id, last_seq = e.seq,
        first_token_at = now() - e.first_token_ago_ms * interval '1 ms', finished_at = now()
      FROM ending e JOIN held ON held.id = e.conversation_id
      WHERE i.id = e.invocation_id AND i.attempt = e.attempt AND ${hasStatus('i', from)}
      RETURNING i.id, i.workspace_id, i.agent_id, i.input_message_id, i.provider, i.model, i.status, i.created_at,
                i.first_token_at, i.finished_at, i.cancel_requested_at, e.*
    ), line AS (
      UPDATE conversation c SET line = array_remove(c.line, done.id), updated_at = now(),
             message_count = c.message_count + num_nonnulls(done.answer_id, done.thought_id)
      FROM done WHERE c.id = done.conversation_id
      RETURNING c.id, c.message_count, cardinality(c.line) > 0 AS waiting
    ), said AS (
      INSERT INTO message (id, workspace_id, conversation_id, position, role, type, content, token_count, agent_id, invocation_id)
      SELECT m.id, done.workspace_id, done.conversation_id, line.message_count - m.back, 'assistant', m.type::"MessageType", m.content,
             m.tokens, done.agent_id, done.id
      FROM done JOIN line ON line.id = done.conversation_id, LATERAL (VALUES
        (done.answer_id, 'message', done.answer, done.answer_tokens, 0),
        (done.thought_id, 'thought', done.thought, NULL, num_nonnulls(done.answer_id))
      ) AS m(id, type, content, tokens, back) WHERE m.id IS NOT NULL
    ), counted AS (
      UPDATE message m SET token_count = done.prompt_tokens FROM done WHERE m.id = done.input_message_id AND done.prompt_tokens IS NOT NULL
    ), used AS (
      INSERT INTO usage_record (id, workspace_id, invocation_id, attempt, provider, model, input_tokens, output_tokens, cached_tokens,
                                source, cost_micro_usd, price_table_version)
      SELECT usage_id, workspace_id, id, attempt, provider, model, used_input, used_output, used_cached, used_source::"UsageSource", cost, prices
      FROM done WHERE usage_id IS NOT NULL
      ON CONFLICT (invocation_id, attempt) DO NOTHING)
    SELECT done.id, done.status, done.answer_id AS "messageId", line.waiting, ${courseOf('done')}
    FROM done JOIN line ON line.id = done.conversation_id`;
  const byId = new Map(rows.map(({ id, ...finished }) => [id, finished]));
  return finishes.map(({ held }) => byId.get(held.invocationId) ?? null);
}

/** Where the log of an ended invocation came to its end, if it is not where its finish foresaw. */
export async function noteLastSeq(database: Database, { invocationId, attempt }: Held, lastSeq: number): Promise<void> {
  await database.$queryRaw`
    UPDATE invocation SET last_seq = ${lastSeq}::bigint
    WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status NOT IN ('queued', 'running')`;
}

/** Where an invocation goes next, as a statement's columns. */
export type DispatchRow = Dispatch & { conversationId: string };

/** running → queued with the next dispatch: its worker stops, or the provider wants to be asked later. null: it has moved on. */
export async function handBackInvocation(
  database: Database,
  held: Held,
  { reason, delayMs, usage }: { reason: ErrorCode; delayMs: number; usage: AttemptUsage | null },
): Promise<DispatchRow | null> {
  const [row] = await database.$queryRaw<DispatchRow[]>`
    WITH back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL, error_code = ${reason}::text,
             available_at = now() + ${delayMs}::float8 * interval '1 ms'
      WHERE i.id = ${held.invocationId}::uuid AND i.attempt = ${held.attempt}::int AND i.status = 'running'
      RETURNING i.*
    ), ${usedBy(usage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, ${delayMs}::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}

/**
 * A running row whose worker is gone goes back to queued, with a usage record for the lost attempt that says nothing yet. null: it has
 * moved on, or somebody else is at it.
 */
export async function requeueLost(database: Database, held: Held, workerId: string): Promise<DispatchRow | null> {
  const [row] = await database.$queryRaw<DispatchRow[]>`
    WITH lost AS (
      SELECT id FROM invocation
      WHERE id = ${held.invocationId}::uuid AND attempt = ${held.attempt}::int AND status = 'running' AND worker_id = ${workerId}::uuid
      FOR UPDATE SKIP LOCKED
    ), back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL,
             lost_attempts = i.lost_attempts + 1, error_code = 'worker_lost'
      FROM lost WHERE i.id = lost.id
      RETURNING i.*
    ), ${usedBy(unknownUsage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, 0::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}

/** Gives a queued row a new dispatch, where the job of the present one is in the hands of a worker that died: its turn had come. */
export async function redispatchInvocation(database: Database, job: InvocationJob): Promise<DispatchRow | null> {
  const [row] = await database.$queryRaw<DispatchRow[]>`
    UPDATE invocation SET dispatch = dispatch + 1, enqueued_at = NULL
    WHERE id = ${job.invocationId}::uuid AND status = 'queued' AND dispatch = ${job.dispatch}::int
    RETURNING id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, 0::float8 AS "delayMs", true AS begun`;
  return row ?? null;
}

/** Lets the first in the conversation's line go, if it still waits. null: the line is empty or its head is on its way. */
export async function dispatchNext(database: Database, conversationId: string): Promise<DispatchRow | null> {
  const [row] = await database.$queryRaw<DispatchRow[]>`
    UPDATE invocation i SET dispatch = 1 FROM conversation c
    WHERE c.id = ${conversationId}::uuid AND i.id = c.line[1] AND ${hasStatus('i', 'queued')} AND i.dispatch = 0
    RETURNING i.id AS "invocationId", i.conversation_id AS "conversationId", i.dispatch, i.provider, 0::float8 AS "delayMs"`;
  return row ?? null;
}

/** One that still waits, or is claimed at this very moment. `noted`: by this call, and not before. */
export type Waiting = { invocationId: string; noted: boolean };

/** Notes that Redis holds the jobs of these dispatches, where nobody has, and tells which of them still wait. */
export async function markEnqueued(database: Database, jobs: InvocationJob[]): Promise<Waiting[]> {
  return database.$queryRaw<Waiting[]>`
    WITH ${jobsInLockOrder(jobs)}
    , noted AS (
      UPDATE invocation i SET enqueued_at = now() FROM job
      WHERE i.id = job.id AND i.dispatch = job.dispatch AND ${hasStatus('i', 'queued')} AND i.enqueued_at IS NULL RETURNING i.id)
    SELECT i.id AS "invocationId", EXISTS (SELECT 1 FROM noted WHERE noted.id = i.id) AS noted
    FROM job JOIN invocation i ON i.id = job.id AND i.dispatch = job.dispatch WHERE ${hasStatus('i', 'queued')}`;
}

export type CancelResult = Held & {
  /** The status now: `cancelled` if it was queued, `running` if its worker has yet to stop, else how it had ended before. */
  status: InvocationStatus;
  /** How it went, if this very call ended it. */
  ended: Course | null;
  workerId: string | null;
  provider: ProviderName;
  dispatch: number;
  waiting: boolean;
};

/**
 * queued → cancelled, or the wish to cancel for a running one. null: no such invocation. Twice does no harm.
 * `lastSeq` is the seq that the terminal event of a queued one is going to have; one more where an attempt has spoken before, whose
 * text clients are told to drop first.
 */
export async function cancelInvocation(
  database: Database,
  where: { invocationId: string; workspaceId: string; lastSeq: number },
): Promise<CancelResult | null> {
  const [row] = await database.$queryRaw<CancelResult[]>`
    WITH target AS (
      SELECT i.id, c.id AS conversation_id FROM invocation i JOIN conversation c ON c.id = i.conversation_id
      WHERE i.id = ${where.invocationId}::uuid AND i.workspace_id = ${where.workspaceId}::uuid
      FOR UPDATE OF c
    ), changed AS (
      UPDATE invocation i SET
        cancel_requested_at = coalesce(i.cancel_requested_at, now()),
        status = CASE WHEN i.status = 'queued' THEN 'cancelled' ELSE i.status END,
        finished_at = CASE WHEN i.status = 'queued' THEN now() END,
        last_seq = CASE WHEN i.status = 'queued' THEN ${where.lastSeq}::bigint + (i.attempt > 0)::int ELSE i.last_seq END
      FROM target WHERE i.id = target.id AND ${hasStatus('i', 'queued', 'running')}
      RETURNING i.*
    ), line AS (
      UPDATE conversation c SET line = array_remove(c.line, changed.id), updated_at = now()
      FROM changed WHERE c.id = changed.conversation_id AND changed.status = 'cancelled'
      RETURNING cardinality(c.line) > 0 AS waiting)
    SELECT i.id AS "invocationId", i.conversation_id AS "conversationId", i.attempt, i.provider, i.dispatch, coalesce(changed.worker_id, i.worker_id) AS "workerId",
           coalesce(changed.status, i.status) AS status, CASE WHEN changed.status = 'cancelled' THEN (SELECT to_jsonb(course) FROM (SELECT ${courseOf('changed')}) course) END AS ended,
           coalesce((SELECT waiting FROM line), false) AS waiting
    FROM target JOIN invocation i ON i.id = target.id LEFT JOIN changed ON changed.id = i.id`;
  return row ?? null;
}

/** How this very attempt was finished, for a writer that lost the reply to its own write. null: it was not, or by another. */
export async function readFinished(database: Database, held: Held): Promise<Finished | null> {
  const [row] = await database.$queryRaw<Finished[]>`
    SELECT i.status, i.output_message_id AS "messageId", cardinality(c.line) > 0 AS waiting, ${courseOf('i')}
    FROM invocation i JOIN conversation c ON c.id = i.conversation_id
    WHERE i.id = ${held.invocationId}::uuid AND i.attempt = ${held.attempt}::int AND i.status NOT IN ('queued', 'running')`;
  return row ?? null;
}
