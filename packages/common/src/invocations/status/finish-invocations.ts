import { inputRows } from '../../postgres/input-rows.ts';
import { newId } from '../../postgres/new-id.ts';
import type { Queryable } from '../../postgres/queryable.ts';
import { hasStatus } from '../has-status.ts';
import { waitingOnlyAlone } from '../row-locks.ts';
import { type Ended, timingsOf } from './ended.ts';
import type { Ending } from './ending.ts';

const endingRows = inputRows<Ending>('ending', [
  ['invocation_id', 'uuid', ({ invocationId }) => invocationId],
  ['conversation_id', 'uuid', ({ conversationId }) => conversationId],
  ['attempt', 'int', ({ attempt }) => attempt],
  ['new_status', 'text', ({ status }) => status],
  ['code', 'text', ({ error }) => error?.code ?? null],
  ['problem', 'text', ({ error }) => error?.message ?? null],
  ['reason', 'text', ({ step }) => step.finishReason],
  ['seq', 'bigint', ({ lastSeq }) => lastSeq],
  ['first_token_ago_ms', 'float8', ({ step }) => step.firstTokenAgoMs],
  ['answer_id', 'uuid', ({ step }) => (step.text === '' ? null : newId())],
  ['answer', 'text', ({ step }) => step.text],
  ['answer_tokens', 'int', ({ step }) => step.textTokens],
  ['thought_id', 'uuid', ({ step }) => (step.reasoning === '' ? null : newId())],
  ['thought', 'text', ({ step }) => step.reasoning],
  ['prompt_tokens', 'int', ({ step }) => step.inputTokens],
  ['usage_id', 'uuid', ({ step }) => (step.usage ? newId() : null)],
  ['used_input', 'int', ({ step }) => step.usage?.inputTokens ?? 0],
  ['used_output', 'int', ({ step }) => step.usage?.outputTokens ?? 0],
  ['used_cached', 'int', ({ step }) => step.usage?.cachedTokens ?? 0],
  ['used_reasoning', 'int', ({ step }) => step.usage?.reasoningTokens ?? null],
  ['used_source', 'text', ({ step }) => step.usage?.source ?? 'estimated'],
  ['cost', 'bigint', ({ step }) => step.usage?.costMicroUsd ?? null],
  ['prices', 'text', ({ step }) => step.usage?.priceTableVersion ?? null],
]);

/**
 * → completed | failed | cancelled, each with the messages and the usage of its last step. Returns results in the order of the endings. Two
 * endings must not be of the same conversation. null: the row has moved on; announce nothing. Several endings together do not wait for locks:
 * if one of their conversations is locked, Postgres refuses them all, and the caller tries them one by one.
 */
export async function finishInvocations(
  database: Queryable,
  from: 'queued' | 'running',
  endings: Ending[],
): Promise<(Ended | null)[]> {
  const rows = await database.query<Ended & { id: string }>`
    WITH ${endingRows(endings)}
    , locked AS (
      SELECT id FROM conversation WHERE id = ANY(${endings.map(({ conversationId }) => conversationId)}::uuid[]) ORDER BY id FOR NO KEY UPDATE ${waitingOnlyAlone(endings)}
    ), done AS (
      UPDATE invocation i SET
        status = CASE WHEN i.cancel_requested_at IS NULL THEN e.new_status::"InvocationStatus" ELSE 'cancelled' END,
        error_code = CASE WHEN i.cancel_requested_at IS NULL THEN e.code END,
        error_message = CASE WHEN i.cancel_requested_at IS NULL THEN e.problem END,
        finish_reason = e.reason, output_message_id = e.answer_id, last_seq = e.seq,
        first_token_at = now() - e.first_token_ago_ms * interval '1 ms', finished_at = now()
      FROM ending e JOIN locked ON locked.id = e.conversation_id
      WHERE i.id = e.invocation_id AND i.attempt = e.attempt AND ${hasStatus('i', from)}
      RETURNING i.id, i.workspace_id, i.api_key_id, i.user_id, i.agent_id, i.input_message_id, i.provider, i.model, i.status, i.created_at,
                i.first_token_at, i.finished_at, i.cancel_requested_at, e.*
    ), line AS (
      UPDATE conversation c SET line = array_remove(c.line, done.id), updated_at = now(),
             message_count = c.message_count + num_nonnulls(done.answer_id, done.thought_id)
      FROM done WHERE c.id = done.conversation_id
      RETURNING c.id, c.message_count, cardinality(c.line) > 0 AS has_next
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
    SELECT done.id, done.status, done.answer_id AS "messageId", line.has_next AS "hasNext", ${timingsOf('done')}
    FROM done JOIN line ON line.id = done.conversation_id`;
  const byId = new Map(rows.map(({ id, ...ended }) => [id, ended]));
  return endings.map(({ invocationId }) => byId.get(invocationId) ?? null);
}
