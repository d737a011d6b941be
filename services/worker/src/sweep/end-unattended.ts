import { type EventAppender, LogLost } from '@nexus/common/events/append-events';
import { foreseeSeq } from '@nexus/common/events/read-log';
import { sha256 } from '@nexus/common/feeds/load-snapshot';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import type { CancelParts } from '@nexus/common/invocations/request-cancel';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import { finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import type { Held } from '@nexus/common/invocations/status/held';
import { noteLastSeq } from '@nexus/common/invocations/status/note-last-seq';
import type { Outcome } from '@nexus/common/invocations/status/outcome';
import { unknownUsage } from '@nexus/common/invocations/usage-record';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { NewEvent } from '@nexus/protocol/event';
import { createPendingEvents } from '../answer/pending-events.ts';
import type { Chore } from './find-chores.ts';
import { type LogText, readLogText } from './read-log-text.ts';

export type ChoreParts = CancelParts & {
  appender: Pick<EventAppender, 'append'>;
  /** Told of each attempt that was lost with its worker, once that is written. */
  onLost: (lost: Held) => void;
};

/** Ends an invocation that no worker holds, keeping what the log still has of its answer. */
export async function endUnattended(
  parts: ChoreParts,
  chore: Chore,
  from: 'queued' | 'running',
  code: ErrorCode,
): Promise<boolean> {
  const said = await readLogText(parts.redis, chore);
  const { text, reasoning } = said;
  const { title, retryable } = errorMeanings[code];
  const outcome: Outcome = {
    status: 'failed',
    text,
    textTokens: null,
    reasoning,
    inputTokens: null,
    finishReason: null,
    error: { code, message: title },
    lastSeq: await foreseeSeq(parts.redis, chore),
    firstTokenAgoMs: null,
    usage: from === 'queued' ? null : unknownUsage,
  };
  const [finished] = await finishInvocations(parts.database, from, [{ held: chore, outcome }]);
  if (!finished) return false;
  if (from === 'running') parts.onLost(chore);
  parts.metrics.ended(finished.status, finished);
  const next = finished.waiting ? await dispatchNext(parts.database, chore.conversationId) : null;
  if (next) await dispatchInvocation(parts, next);
  const kept = { messageId: finished.messageId, contentSha256: finished.messageId === null ? null : sha256(text) };
  const event =
    finished.status === 'cancelled'
      ? ({ type: 'invocation.cancelled', data: kept } as const)
      : ({ type: 'invocation.failed', data: { error: { code, message: title, retryable }, ...kept } } as const);
  // Before the first attempt there is nothing to be shown, and the API may say meanwhile that it waits.
  if (chore.attempt === 0) await parts.appender.append(chore, chore.attempt, [event], -1);
  else await appendEnd(parts, chore, said, event);
  if (from === 'queued') await parts.queues.remove(chore);
  return true;
}

/** A worker that Postgres does not hear may have spoken on since the text was read: then clients are told the text again, as it is kept. */
async function appendEnd(
  { appender, database }: ChoreParts,
  chore: Chore,
  { text, reasoning, seq }: LogText,
  end: NewEvent,
): Promise<void> {
  try {
    await appender.append(chore, chore.attempt, [end], seq);
  } catch (error) {
    if (!(error instanceof LogLost)) throw error;
    const events = createPendingEvents();
    events.add({ type: 'invocation.restarted', data: { attempt: chore.attempt, reason: 'worker_lost' } });
    events.add({ type: 'reasoning.delta', data: { text: reasoning } });
    events.add({ type: 'message.delta', data: { text } });
    events.add(end);
    const all = events.take();
    // Before it is said: whoever comes back later is sent the end by it, and one too high does no harm.
    const foreseen = error.seq + all.length;
    await noteLastSeq(database, chore, foreseen);
    const appended = await appender.append(chore, chore.attempt, all, -1);
    if (appended.seq !== foreseen) await noteLastSeq(database, chore, appended.seq);
  }
}
