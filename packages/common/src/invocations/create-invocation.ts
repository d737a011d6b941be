import { AsyncResource } from 'node:async_hooks';
import { AppError } from '../errors/app-error.ts';
import { agentNotFound, conversationNotFound } from '../errors/not-found.ts';
import { isUniqueViolation } from '../postgres/database-error.ts';
import { joinCalls } from '../postgres/join-calls.ts';
import type { Principal } from '../principals/principal.ts';
import { isProviderName, providerCredentials } from '../queue/provider-name.ts';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';
import type { Tracer } from '../tracing/tracer.ts';
import { createWaitingAnnouncer } from './announce-waiting.ts';
import { createDispatcher } from './create-dispatcher.ts';
import {
  type InsertedInvocation,
  type Insertion,
  type InsertResult,
  insertInvocations,
  releaseOldKey,
} from './insert-invocations.ts';
import { wantsInterrupt } from './insert-statement.ts';
import { interruptEarlier } from './interrupt-earlier.ts';
import { hashRequest, type NewInvocation } from './new-invocation.ts';
import type { CancelParts } from './request-cancel.ts';

export type CreateInvocation = (
  principal: Principal,
  input: NewInvocation,
  idempotencyKey: string | null,
) => Promise<InsertedInvocation>;

export type InvocationCreatorParts = CancelParts & {
  tracer: Tracer | null;
  /** Called for each new invocation that was stored. */
  onCreated: (provider: string) => void;
};

/** Another request with the same key may commit between our check and our insert. The limit ends an endless race. */
const maxTries = 5;

/**
 * Stores an invocation, then adds it to the queue. When this resolves, the invocation is stored, even if Redis or this process fails.
 * The same request with the same idempotency key returns the first invocation again, also for many requests at once.
 */
export function createInvocationCreator(parts: InvocationCreatorParts): CreateInvocation {
  const announceWaiting = createWaitingAnnouncer(parts);
  const dispatchCreated = createDispatcher(parts);
  const insert = joinCalls((insertions: Insertion[]) => insertInvocations(parts.database, insertions), { keysOf });

  return async function createInvocation(principal, input, idempotencyKey) {
    const result = await insertOnce(principal, input, idempotencyKey);
    if (result.known) return assertSameRequest(result.known, input);
    if (!result.created) throw whyNot(result, input);
    parts.onCreated(result.created.provider);
    const { created } = result;
    const { id: invocationId, conversationId, agentId } = created;
    parts.tracer?.active()?.identify({ invocationId, conversationId, agentId });
    atEndOfTurn(AsyncResource.bind(() => announce(created, result, principal))); // after the client has its response
    return created;
  };

  async function insertOnce(
    principal: Principal,
    input: NewInvocation,
    idempotencyKey: string | null,
  ): Promise<InsertResult> {
    const requestHash = idempotencyKey === null ? null : new Uint8Array(hashRequest(input));
    for (let tries = 1; ; tries += 1) {
      try {
        const result = await insert({ principal, input, idempotencyKey, requestHash });
        const refused = !result.created && !result.known;
        // A request with the same key may have been stored while this one waited for the conversation's lock: look once more.
        if (!refused || idempotencyKey === null || tries > 1) return result;
      } catch (error) {
        const keyTaken = isUniqueViolation(error) && idempotencyKey !== null;
        if (tries === maxTries || !keyTaken) throw error;
        await releaseOldKey(parts.database, principal.workspaceId, idempotencyKey);
      }
    }
  }

  /** Not awaited: the row is the outbox, so the sweep does whatever fails here. Only `invocation.queued` may be missing then. */
  function announce(created: InsertedInvocation, { before }: InsertResult, { workspaceId }: Principal): void {
    const { id: invocationId, conversationId, provider, dispatch } = created;
    const ids = { invocationId, conversationId };
    // Announce only invocations that still wait: mostly a worker begins at once, and an earlier event would delay the answer.
    if (dispatch === 0) announceWaiting(created);
    else if (isProviderName(provider))
      void dispatchCreated({ invocationId, dispatch, provider, delayMs: 0 }, () => announceWaiting(created));
    if (before.length > 0 && wantsInterrupt(created.multitaskStrategy)) {
      const rollback = created.multitaskStrategy === 'rollback';
      interruptEarlier(parts, { invocationIds: before, conversationId, workspaceId, rollback }).catch(
        (error: unknown) =>
          parts.logger.warn({ error, ...ids }, 'left for the sweep to cancel the earlier invocations'),
      );
    }
  }
}

/** Two insertions with the same conversation or the same key cannot be in one statement. */
function keysOf({ principal: { workspaceId }, input, idempotencyKey }: Insertion): string[] {
  return [
    ...(input.conversationId === undefined ? [] : [input.conversationId]),
    ...(idempotencyKey === null ? [] : [`${workspaceId} ${idempotencyKey}`]),
  ];
}

function assertSameRequest(known: InsertedInvocation, input: NewInvocation): InsertedInvocation {
  if (known.requestHash === hashRequest(input).toString('hex')) return known;
  throw new AppError(
    'idempotency_key_reused',
    'Idempotency-Key: was used with another request within the last 24 hours',
    {
      fields: [{ field: 'Idempotency-Key', message: 'was used with another request' }],
    },
  );
}

function whyNot({ agent, conversationFound }: InsertResult, input: NewInvocation): AppError {
  if (!agent) return agentNotFound(input.agentId);
  if (!agent.active) return new AppError('agent_inactive', `The agent ${input.agentId} is switched off`);
  if (agent.lacksConnection)
    return new AppError(
      'agent_connection_missing',
      `The connection of the agent ${input.agentId} was deleted: give it another one, or null for the default`,
    );
  if (agent.unconfigured && isProviderName(agent.provider)) {
    const variable = providerCredentials[agent.provider];
    return new AppError(
      'provider_not_configured',
      `No worker has credentials for ${agent.provider}: set ${variable} where the workers run`,
    );
  }
  if (!conversationFound) return conversationNotFound(input.conversationId ?? '');
  return new AppError(
    'conversation_busy',
    'The conversation has an unfinished invocation, and multitaskStrategy is reject',
  );
}
