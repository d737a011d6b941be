import { inputRows } from '../../postgres/input-rows.ts';
import { newId } from '../../postgres/new-id.ts';
import type { PrismaClient } from '../../postgres/open-database.ts';
import { hasStatus } from '../has-status.ts';
import { waitingOnlyAlone } from '../row-locks.ts';
import { courseOf, type Finished } from './finished.ts';
import type { Held } from './held.ts';
import type { Outcome } from './outcome.ts';

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
  ['used_reasoning', 'int', ({ outcome }) => outcome.usage?.reasoningTokens ?? null],
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
  database: Pick<PrismaClient, '$queryRaw'>,
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
      RETURNING i.id, i.workspace_id, i.api_key_id, i.user_id, i.agent_id, i.input_message_id, i.provider, i.model, i.status, i.created_at,
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
      INSERT INTO usage_record (id, workspace_id, api_key_id, user_id, invocation_id, attempt, provider, model, input_tokens, output_tokens, cached_tokens,
                                reasoning_tokens, source, cost_micro_usd, price_table_version)
      SELECT usage_id, workspace_id, api_key_id, user_id, id, attempt, provider, model, used_input, used_output, used_cached, used_reasoning, used_source::"UsageSource", cost, prices
      FROM done WHERE usage_id IS NOT NULL
      ON CONFLICT (invocation_id, attempt) DO NOTHING)
    SELECT done.id, done.status, done.answer_id AS "messageId", line.waiting, ${courseOf('done')}
    FROM done JOIN line ON line.id = done.conversation_id`;
  const byId = new Map(rows.map(({ id, ...finished }) => [id, finished]));
  return finishes.map(({ held }) => byId.get(held.invocationId) ?? null);
}
