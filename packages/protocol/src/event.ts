import type { ErrorCode } from './error-codes.ts';
import type { InvocationStatus } from './invocation-status.ts';

/** Tokens. `source` says whether the provider counted them or we estimated them. */
export type Usage = {
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  /** How many of the output tokens were thoughts, where the provider says. */
  reasoningTokens?: number;
  source: 'provider' | 'estimated';
};

export type EventError = { code: ErrorCode; message: string; retryable: boolean };

/** The data of each event type. `invocation.snapshot` replaces everything up to `upToSeq`. */
export type EventData = {
  'invocation.queued': { position: number };
  'invocation.started': { attempt: number; provider: string; model: string };
  'invocation.restarted': { attempt: number; reason: ErrorCode };
  'message.delta': { text: string };
  'reasoning.delta': { text: string };
  'invocation.completed': {
    messageId: string | null;
    finishReason: string;
    usage: Usage;
    /** SHA-256, hex, of the whole stored assistant text as UTF-8. */
    contentSha256: string;
  };
  'invocation.failed': { error: EventError; messageId: string | null; contentSha256: string | null };
  'invocation.cancelled': { messageId: string | null; contentSha256: string | null };
  'invocation.snapshot': {
    status: InvocationStatus;
    text: string;
    reasoning: string;
    upToSeq: number;
    messageId: string | null;
    contentSha256: string | null;
    error: EventError | null;
    /** Only of one that is over. */
    finishReason?: string | null;
    usage?: Usage | null;
  };
};

export type EventType = keyof EventData;

/**
 * The envelope, the same on every transport. `seq` counts from 1 without a gap in each invocation. `at` is ISO 8601 in UTC. For a reader that comes
 * later, deltas are joined: `seq` is that of the last one, `from` that of the first. Without `from` an event stands for its own `seq` only.
 */
export type InvocationEvent = {
  [T in EventType]: {
    conversationId: string;
    invocationId: string;
    seq: number;
    from?: number;
    type: T;
    at: string;
    data: EventData[T];
  };
}[EventType];

/** An event that has no seq yet. The log gives it one. */
export type NewEvent = { [T in EventType]: { type: T; data: EventData[T] } }[EventType];

const terminalTypes: ReadonlySet<EventType> = new Set([
  'invocation.completed',
  'invocation.failed',
  'invocation.cancelled',
]);

export function isTerminalType(type: EventType): boolean {
  return terminalTypes.has(type);
}

/** Whether no event can follow: a terminal event, or a snapshot of a finished invocation. */
export function isLastEvent(event: InvocationEvent): boolean {
  if (event.type === 'invocation.snapshot') return event.data.status !== 'queued' && event.data.status !== 'running';
  return isTerminalType(event.type);
}
