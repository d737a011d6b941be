import { createHash } from 'node:crypto';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { EventError, InvocationEvent, Usage } from '@nexus/protocol/event';
import { type InvocationStatus, isFinished } from '@nexus/protocol/invocation-status';
import type { LogAddress } from '../events/event-log-names.ts';
import type { Queryable } from '../postgres/queryable.ts';

type Snapshot = Extract<InvocationEvent, { type: 'invocation.snapshot' }>;

export type SnapshotRow = {
  status: InvocationStatus;
  lastSeq: bigint;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  outputMessageId: string | null;
  at: Date;
  text: string | null;
  reasoning: string | null;
  finishReason: string | null;
  /** Of the last attempt that has any. */
  usage: (Omit<Usage, 'reasoningTokens'> & { reasoningTokens: number | null }) | null;
};

/** What Postgres knows of an invocation, as an event. null if the conversation has no such invocation. */
export async function loadSnapshot(
  database: Queryable,
  { conversationId, invocationId }: LogAddress,
): Promise<Snapshot | null> {
  const [row] = await database.query<SnapshotRow>`
    SELECT i.status, i.last_seq AS "lastSeq", i.error_code AS "errorCode", i.error_message AS "errorMessage",
           i.output_message_id AS "outputMessageId", coalesce(i.finished_at, now()) AS at, answer.content AS text, thought.content AS reasoning,
           i.finish_reason AS "finishReason", (
             SELECT jsonb_build_object('inputTokens', u.input_tokens, 'outputTokens', u.output_tokens, 'cachedTokens', u.cached_tokens,
                                       'reasoningTokens', u.reasoning_tokens, 'source', u.source)
             FROM usage_record u WHERE u.invocation_id = i.id ORDER BY u.attempt DESC LIMIT 1) AS usage
    FROM invocation i
    LEFT JOIN message answer ON answer.id = i.output_message_id
    LEFT JOIN message thought ON thought.invocation_id = i.id AND thought.type = 'thought'
    WHERE i.id = ${invocationId}::uuid AND i.conversation_id = ${conversationId}::uuid`;
  if (!row) return null;
  const upToSeq = Number(row.lastSeq);
  return {
    conversationId,
    invocationId,
    seq: upToSeq,
    type: 'invocation.snapshot',
    at: row.at.toISOString(),
    data: {
      status: row.status,
      text: row.text ?? '',
      reasoning: row.reasoning ?? '',
      upToSeq,
      messageId: row.outputMessageId,
      contentSha256: row.text === null && row.status !== 'completed' ? null : sha256(row.text ?? ''),
      error: toEventError(row),
      ...(isFinished(row.status) ? { finishReason: row.finishReason, usage: toUsage(row) } : {}),
    },
  };
}

function toUsage({ usage }: SnapshotRow): Usage | null {
  if (!usage) return null;
  const { reasoningTokens, ...rest } = usage;
  return reasoningTokens === null ? rest : { ...rest, reasoningTokens };
}

/** An attempt that was given back leaves its reason on the row while the invocation continues. Only a failed invocation has an error. */
function toEventError({ status, errorCode, errorMessage }: SnapshotRow): EventError | null {
  if (status !== 'failed' || errorCode === null) return null;
  const { title, retryable } = errorMeanings[errorCode];
  return { code: errorCode, message: errorMessage ?? title, retryable };
}

/** The SHA-256, in hex, of a text as UTF-8: the `contentSha256` of events. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
