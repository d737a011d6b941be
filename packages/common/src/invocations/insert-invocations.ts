import type { MultitaskStrategy } from '@nexus/protocol/multitask-strategy';
import { newId } from '../postgres/new-id.ts';
import type { PrismaClient } from '../postgres/open-database.ts';
import type { Principal } from '../principals/principal.ts';
import { type Item, idempotencyHours, toInsertStatement } from './insert-statement.ts';
import type { NewInvocation } from './new-invocation.ts';

type Database = Pick<PrismaClient, '$queryRaw'>;

export type Insertion = {
  principal: Pick<Principal, 'workspaceId' | 'keyId' | 'userId'>;
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
};

const titleLength = 80;

type Row = {
  known: InsertedInvocation | null;
  agent: InsertResult['agent'];
  conversationFound: boolean;
  /** null: it was not written. */
  createdAt: Date | null;
  dispatch: number;
  before: string[];
};

/**
 * For each insertion its conversation (when new), message and invocation, in one statement, decided under the conversations' row
 * locks: Postgres checks the WHERE of the UPDATE again on the newest version of a row, so that the message's position and `reject`
 * hold against any other writer. The row is the outbox: nothing is on the queue yet. Results are in the order of the insertions, no two of which
 * may be of the same conversation or have the same key. Throws a unique violation when another request with the same key was
 * quicker; for several together, a refusal where one of their conversations is locked: to be tried one by one.
 */
export async function insertInvocations(database: Database, insertions: Insertion[]): Promise<InsertResult[]> {
  const items = insertions.map(toItem);
  const rows = await database.$queryRaw<Row[]>`${toInsertStatement(items)}`;

  return rows.map(({ createdAt, dispatch, ...found }, at) => {
    if (!createdAt || !found.agent) return { ...found, created: null };
    const { invocationId, conversationId, agentId, strategy, requestHash } = items[at] as Item;
    const created: InsertedInvocation = {
      id: invocationId,
      conversationId,
      agentId,
      status: 'queued',
      provider: found.agent.provider,
      createdAt: createdAt.toISOString(),
      dispatch,
      multitaskStrategy: strategy,
      requestHash: requestHash && Buffer.from(requestHash).toString('hex'),
    };
    return { ...found, created };
  });
}

/** With the ids that its rows are going to have. */
export function toItem({ principal, input, idempotencyKey, requestHash }: Insertion): Item {
  const { context } = input;
  return {
    invocationId: newId(),
    workspaceId: principal.workspaceId,
    apiKeyId: principal.keyId,
    userId: principal.userId ?? input.userId ?? null,
    existingId: input.conversationId ?? null,
    conversationId: input.conversationId ?? newId(),
    messageId: newId(),
    agentId: input.agentId,
    strategy: input.multitaskStrategy,
    content: input.message,
    title: input.conversationId === undefined && !context ? toTitle(input.message) : '',
    overrides: JSON.stringify(input.overrides),
    metadata: JSON.stringify(input.metadata),
    idempotencyKey,
    requestHash,
    deadlineMs: input.deadlineMs ?? null,
    context: context ? { ...context, messages: JSON.stringify(context.messages) } : null,
  };
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
