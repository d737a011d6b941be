import { type EventAppender, LogLost } from '@nexus/common/events/append-events';
import { foreseeSeq } from '@nexus/common/events/read-log';
import { endInvocation } from '@nexus/common/invocations/end-invocation';
import type { CancelParts } from '@nexus/common/invocations/request-cancel';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import { noteLastSeq } from '@nexus/common/invocations/status/note-last-seq';
import { unknownUsage } from '@nexus/common/invocations/usage-record';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { NewEvent } from '@nexus/protocol/event';
import { createPendingEvents } from '../answer/pending-events.ts';
import { toTerminalEvent } from '../answer/to-terminal-event.ts';
import type { Recovery } from './find-recoveries.ts';
import { type LogText, readLogText } from './read-log-text.ts';

export type RecoveryParts = CancelParts & {
  appender: Pick<EventAppender, 'append'>;
  /** Called for each attempt that was lost with its worker, after the loss is written. */
  onLost: (lost: AttemptId) => void;
};

type How = { from: 'queued' | 'running'; code: ErrorCode };

/** Ends an invocation that no worker answers. Stores the part of the answer that the log still has. False: the row has moved on. */
export async function endUnattended(parts: RecoveryParts, recovery: Recovery, how: How): Promise<boolean> {
  const { database, redis, appender, queues, onLost } = parts;
  const said = await readLogText(redis, recovery);
  const ending = toUnattendedEnding(recovery, said, how, await foreseeSeq(redis, recovery));
  const write = async () => {
    const [ended = null] = await finishInvocations(database, how.from, [ending]);
    return ended && { ended };
  };
  const written = await endInvocation(parts, recovery.conversationId, write, async (ended) => {
    if (how.from === 'running') onLost(recovery);
    const event = toTerminalEvent(ended, ending);
    // Before the first attempt the log has no answer. Append at any seq, because the API may append `invocation.queued` meanwhile.
    if (recovery.attempt === 0) await appender.append(recovery, recovery.attempt, [event], -1);
    else await appendEnd(parts, recovery, said, event);
    if (how.from === 'queued') await queues.remove(recovery);
  });
  return written !== null;
}

function toUnattendedEnding(
  { invocationId, conversationId, attempt }: Recovery,
  { text, reasoning }: LogText,
  { from, code }: How,
  lastSeq: number,
): Ending {
  return {
    invocationId,
    conversationId,
    attempt,
    status: 'failed',
    error: { code, message: errorMeanings[code].title },
    lastSeq,
    step: {
      text,
      textTokens: null,
      reasoning,
      inputTokens: null,
      finishReason: null,
      firstTokenAgoMs: null,
      usage: from === 'running' ? unknownUsage : null,
    },
  };
}

/** A worker that is cut off from Postgres may have appended more since the log was read. Then publish the text again as it is stored. */
async function appendEnd(
  { appender, database }: RecoveryParts,
  recovery: Recovery,
  { text, reasoning, seq }: LogText,
  end: NewEvent,
): Promise<void> {
  try {
    await appender.append(recovery, recovery.attempt, [end], seq);
  } catch (error) {
    if (!(error instanceof LogLost)) throw error;
    const events = createPendingEvents();
    events.add({ type: 'invocation.restarted', data: { attempt: recovery.attempt, reason: 'worker_lost' } });
    events.add({ type: 'reasoning.delta', data: { text: reasoning } });
    events.add({ type: 'message.delta', data: { text } });
    events.add(end);
    const all = events.take();
    // Store the seq before the append: a client that returns later gets the end by this seq. A seq that is too high does no harm.
    const foreseen = error.seq + all.length;
    await noteLastSeq(database, recovery, foreseen);
    const appended = await appender.append(recovery, recovery.attempt, all, -1);
    if (appended.seq !== foreseen) await noteLastSeq(database, recovery, appended.seq);
  }
}
