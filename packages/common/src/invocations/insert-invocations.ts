import type { MultitaskStrategy } from '@nexus/protocol/multitask-strategy';
import { newId } from '../postgres/new-id.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { Principal } from '../principals/principal.ts';
import { type Item, idempotencyHours, toInsertStatement } from './insert-statement.ts';
import type { NewInvocation } from './new-invocation.ts';

export type Insertion = {
  principal: Pick<Principal, 'workspaceId' | 'keyId' | 'userId'>;
  input: NewInvocation;
  idempotencyKey: string | null;
  /** null without an idempotency key. */
  requestHash: Uint8Array<ArrayBuffer> | null;
};

/** The invocation as stored, by this or by an earlier request with the same key. */
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
  agent: { active: boolean; provider: string; unconfigured: boolean; lacksConnection: boolean } | null;
  conversationFound: boolean;
  /** The unfinished invocations before it in the line. */
  before: string[];
};

const titleLength = 80;

export type InsertedRow = {
  known: InsertedInvocation | null;
  agent: InsertResult['agent'];
  conversationFound: boolean;
  /** null: it was not written. */
  createdAt: Date | null;
  dispatch: number;
  before: string[];
};

/**
 * Inserts for each insertion its conversation (if new), its message and its invocation, all in one statement. It locks the conversations' rows:
 * Postgres then checks the WHERE of the UPDATE again on the newest version of a row, so that the message's position and `reject` are right
 * with concurrent writers. Adds nothing to the queue: the row is the outbox. Returns results in the order of the insertions. Two insertions must
 * not have the same conversation or the same key. Throws a unique violation if another request with the same key was quicker. Several insertions
 * are refused together if one of their conversations is locked; the caller then tries them one by one.
 */
export async function insertInvocations(database: Queryable, insertions: Insertion[]): Promise<InsertResult[]> {
  const items = insertions.map(toItem);
  const rows = await database.query<InsertedRow>`${toInsertStatement(items)}`;

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

/** Frees a key that is older than 24 hours, so that it can be used again. */
export async function releaseOldKey(database: Queryable, workspaceId: string, key: string): Promise<void> {
  await database.query`
    UPDATE invocation SET idempotency_key = NULL
    WHERE workspace_id = ${workspaceId}::uuid AND idempotency_key = ${key}::text
      AND created_at <= now() - ${idempotencyHours}::int * interval '1 hour'`;
}
