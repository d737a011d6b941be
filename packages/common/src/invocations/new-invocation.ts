import { createHash } from 'node:crypto';
import type { MultitaskStrategy } from '@nexus/protocol/multitask-strategy';
import type { InvocationContext } from './invocation-context.ts';
import type { InvocationSettings } from './invocation-settings.ts';

/** The settings of its agent that one invocation may replace. */
export type InvocationOverrides = {
  [Name in keyof Omit<InvocationSettings, 'provider' | 'connectionId' | 'onWorkerLoss'>]?:
    | InvocationSettings[Name]
    | undefined;
};

/** A parsed request for an invocation. Without `conversationId` it opens a new conversation. */
export type NewInvocation = {
  agentId: string;
  message: string;
  conversationId?: string | undefined;
  multitaskStrategy: MultitaskStrategy;
  metadata: Record<string, unknown>;
  overrides: InvocationOverrides;
  /** Milliseconds from now, including the time in the queue. */
  deadlineMs?: number | undefined;
  /** The customer's own name for its end user. */
  userId?: string | undefined;
  /** Stands in place of a conversation's history; a conversation that is not listed is opened for it. Not together with `conversationId`. */
  context?: InvocationContext | undefined;
};

/** SHA-256 of the parsed request. The order of its keys makes no difference. */
export function hashRequest(input: NewInvocation): Buffer {
  return createHash('sha256').update(toCanonicalJson(input)).digest();
}

function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
