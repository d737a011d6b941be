import type { ErrorCode } from './error-codes.ts';
import type { InvocationStatus } from './invocation-status.ts';

/** Tokens as the provider counted them, or as we estimated them where it did not say. */
export type Usage = {
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  /** How many of the output tokens were thoughts, where the provider says. */
  reasoningTokens?: number;
  source: 'provider' | 'estimated';
};

export type EventError = { code: ErrorCode; message: string; retryable: boolean };

/** What each event of an invocation carries. `invocation.snapshot` replaces everything a client has seen up to `upToSeq`. */
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
 * The envelope, the same on every transport. `seq` is 1-based and gap-free per invocation; `at` is ISO-8601 UTC. Deltas that were joined
 * for a reader who came later have the `seq` of the last of them, and in `from` that of the first; without it, `from` is `seq`.
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

/** An event before the log has given it a seq. */
export type NewEvent = { [T in EventType]: { type: T; data: EventData[T] } }[EventType];

const terminalTypes: ReadonlySet<EventType> = new Set([
  'invocation.completed',
  'invocation.failed',
  'invocation.cancelled',
]);

export function isTerminalType(type: EventType): boolean {
  return terminalTypes.has(type);
}

/** Whether nothing can follow: a terminal event, or a snapshot of a finished invocation. */
export function isLastEvent(event: InvocationEvent): boolean {
  if (event.type === 'invocation.snapshot') return event.data.status !== 'queued' && event.data.status !== 'running';
  return isTerminalType(event.type);
}
