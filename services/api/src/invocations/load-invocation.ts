import type { Database, Prisma } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import { errorMeanings } from '@nexus/protocol/error-codes';
import { countWorkersOnline } from './count-workers-online.ts';

/** What a client is shown of an invocation; its text comes from the message it led to. */
export const invocationFields = {
  id: true,
  conversationId: true,
  agentId: true,
  userId: true,
  status: true,
  provider: true,
  model: true,
  attempt: true,
  multitaskStrategy: true,
  rolledBack: true,
  metadata: true,
  inputMessageId: true,
  outputMessageId: true,
  createdAt: true,
  enqueuedAt: true,
  startedAt: true,
  firstTokenAt: true,
  finishedAt: true,
  cancelRequestedAt: true,
  deadlineAt: true,
  finishReason: true,
  lastSeq: true,
  errorCode: true,
  errorMessage: true,
  usage: {
    select: {
      attempt: true,
      inputTokens: true,
      outputTokens: true,
      cachedTokens: true,
      source: true,
      costMicroUsd: true,
      priceTableVersion: true,
    },
    orderBy: { attempt: 'asc' },
  },
} satisfies Prisma.InvocationSelect;

type Row = Prisma.InvocationGetPayload<{ select: typeof invocationFields }>;

export function toInvocation({ errorCode, errorMessage, usage, lastSeq, ...row }: Row) {
  const code = row.status === 'failed' ? (errorCode as ErrorCode | null) : null;
  return {
    ...row,
    lastSeq: Number(lastSeq),
    error:
      code !== null
        ? { code, message: errorMessage ?? errorMeanings[code].title, retryable: errorMeanings[code].retryable }
        : null,
    usage: usage.map(({ costMicroUsd, ...rest }) => ({
      ...rest,
      costMicroUsd: costMicroUsd === null ? null : Number(costMicroUsd),
    })),
  };
}

/** One invocation with its text, and, while it is queued, how many workers could take it. null: none in this workspace. */
export async function loadInvocation(database: Database, { workspaceId }: Principal, id: string) {
  const row = await database.invocation.findFirst({ where: { id, workspaceId }, select: invocationFields });
  if (!row) return null;
  const output =
    row.outputMessageId === null
      ? null
      : await database.message.findUnique({ where: { id: row.outputMessageId }, select: { content: true } });
  const workersOnline = row.status === 'queued' ? (await countWorkersOnline(database))[row.provider] : undefined;
  return {
    ...toInvocation(row),
    output: output?.content ?? null,
    ...(workersOnline === undefined ? {} : { workersOnline }),
  };
}
