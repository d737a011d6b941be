import type { EventError, EventType, NewEvent, Usage } from './event.ts';
import type { InvocationStatus } from './invocation-status.ts';

/** What a client shows of one invocation. */
export type Shown = {
  /** The cursor: the seq of the last event that was folded in. */
  seq: number;
  status: InvocationStatus;
  /** 0 before the first attempt. A snapshot does not name its attempt and leaves this as it is. */
  attempt: number;
  /** Its place in the queue, while it waits and the log names one. */
  position: number | null;
  text: string;
  reasoning: string;
  messageId: string | null;
  contentSha256: string | null;
  finishReason: string | null;
  usage: Usage | null;
  error: EventError | null;
};

/** Before the first event. */
export function nothingShown(): Shown {
  return {
    seq: 0,
    status: 'queued',
    attempt: 0,
    position: null,
    text: '',
    reasoning: '',
    messageId: null,
    contentSha256: null,
    finishReason: null,
    usage: null,
    error: null,
  };
}

/**
 * Whether a client that has folded everything up to `cursor` still needs this event. Only a snapshot may lie at or below the cursor: it
 * replaces everything, and its seq becomes the cursor. What a writer folds has no seq yet, and is always news.
 */
export function isNews(cursor: number, { seq, type }: { seq?: number; type: EventType }): boolean {
  return seq === undefined || seq > cursor || type === 'invocation.snapshot';
}

/**
 * Whether a joined event starts at or before the cursor and ends after it. Part of it is shown already, so it cannot be folded: subscribe
 * again with the cursor.
 */
export function overlaps(cursor: number, { seq, from = seq }: { seq: number; from?: number }): boolean {
  return from <= cursor && cursor < seq;
}

/**
 * Folds one event into `shown` and returns it. Events come in the order of their seqs; one that is no news changes nothing.
 *
 * It changes the object that it is given, because it runs for each delta: keep one object for each invocation, and copy it (`{ ...shown }`)
 * to compare it later.
 */
export function fold(shown: Shown, event: NewEvent & { seq?: number }): Shown {
  if (!isNews(shown.seq, event)) return shown;
  if (event.seq !== undefined) shown.seq = event.seq;
  switch (event.type) {
    case 'message.delta':
      shown.text += event.data.text;
      return shown;
    case 'reasoning.delta':
      shown.reasoning += event.data.text;
      return shown;
    case 'invocation.queued':
      shown.position = event.data.position;
      return shown;
    case 'invocation.started':
      return Object.assign(shown, { status: 'running', attempt: event.data.attempt, position: null });
    case 'invocation.restarted':
      return Object.assign(shown, { attempt: event.data.attempt, text: '', reasoning: '' });
    case 'invocation.completed':
      return Object.assign(shown, { status: 'completed', position: null }, event.data);
    case 'invocation.failed':
      return Object.assign(shown, { status: 'failed', position: null }, event.data);
    case 'invocation.cancelled':
      return Object.assign(shown, { status: 'cancelled', position: null }, event.data);
    case 'invocation.snapshot': {
      const { status, text, reasoning, messageId, contentSha256, error } = event.data;
      return Object.assign(shown, { status, text, reasoning, messageId, contentSha256, error, position: null });
    }
    default:
      return event satisfies never;
  }
}
