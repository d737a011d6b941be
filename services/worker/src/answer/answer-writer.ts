import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@nexus/common/errors/app-error';
import { type EventAppender, LogLost } from '@nexus/common/events/append-events';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import { queuedEvents, readLastSeq } from '@nexus/common/events/read-log';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import { atMost } from '@nexus/common/timing/at-most';
import type { NewEvent } from '@nexus/protocol/event';
import { fold, nothingShown } from '@nexus/protocol/fold';
import type { FlushClock } from './flush-clock.ts';
import { createPendingEvents } from './pending-events.ts';

/** Gap between the seqs of two attempts when Redis lost the log in between: more than any attempt has events. */
const seqsPerAttempt = 1_000_000;
/** While Redis is away an answer is not kept waiting for its place in the log. */
const locateLimitMs = 1_000;
const retryFirstMs = 50;
const retryMaxMs = 1_000;

export type AnswerWriter = {
  /** Everything written so far, whether or not it is published. */
  readonly text: string;
  readonly reasoning: string;
  /** Queues an event; deltas collect while an append is under way. Nothing is thrown: a lost claim is told through `onClaimLost`. */
  write(event: NewEvent): void;
  /** Until the log has said where this attempt's events stand in it, or a limit: `freeze` guesses then. */
  located(): Promise<void>;
  /** Takes nothing more. The seq that a terminal event would have. */
  freeze(): number;
  /** Publishes what is left and the terminal event. Gives up after the limit: readers then get a snapshot from Postgres. */
  end(terminal: NewEvent, limitMs: number): Promise<void>;
  /** Stops publishing at once. */
  abandon(): void;
};

export type AnswerWriterParts = {
  appender: EventAppender;
  redis: Parameters<typeof readLastSeq>[0];
  flushClock: FlushClock;
  onCancelWanted: () => void;
  onClaimLost: () => void;
  onRedisTrouble: (error: unknown) => void;
};

/** One attempt's side of the event log: keeps order, collects deltas, and outlasts a Redis that is away or has forgotten. */
export function createAnswerWriter(
  { invocationId, conversationId, attempt }: AttemptId,
  parts: AnswerWriterParts,
): AnswerWriter {
  const address: LogAddress = { conversationId, invocationId };
  const pending = createPendingEvents();
  const written = nothingShown();
  const published = nothingShown();
  let seq = -1;
  let frozen = false;
  let abandoned = false;
  let pumping: Promise<void> | undefined;
  let inFlight: NewEvent[] = [];
  const place = Promise.withResolvers<void>();

  /** Appends until Redis has everything. Returns, and is not running any more, in the tick in which nothing is left. */
  async function pump(): Promise<void> {
    let waitMs = retryFirstMs;
    while (!abandoned && (inFlight.length > 0 || pending.size() > 0)) {
      if (inFlight.length === 0) {
        const nextFlush = !frozen && pending.isOnlyDeltas() ? parts.flushClock.nextFlush() : undefined;
        if (nextFlush) await nextFlush;
        if (abandoned) break;
        inFlight = pending.take();
        waitMs = retryFirstMs;
      }
      try {
        if (seq === -1 && attempt > 1) await openAfterEarlierAttempt();
        const reply = await parts.appender.append(address, attempt, inFlight, seq);
        seq = reply.seq;
        place.resolve();
        inFlight.reduce(fold, published);
        inFlight = [];
        if (reply.cancelWanted) parts.onCancelWanted();
      } catch (error) {
        await recover(error, waitMs);
        waitMs = Math.min(waitMs * 2, retryMaxMs);
      }
    }
    pumping = undefined;
  }

  /**
   * Makes an append that failed one that can be tried again: what a lost reply left in doubt is decided by the seq, as this attempt is the
   * log's only writer.
   */
  async function recover(error: unknown, waitMs: number): Promise<void> {
    if (error instanceof AppError && error.code === 'claim_lost') {
      abandoned = true;
      parts.onClaimLost();
    } else if (error instanceof LogLost && error.seq > seq) {
      inFlight.splice(0, error.seq - seq).reduce(fold, published);
      seq = error.seq;
    } else if (error instanceof LogLost) {
      await parts.appender.restore(address, attempt, seq, published).catch(parts.onRedisTrouble);
    } else {
      parts.onRedisTrouble(error);
      await sleep(waitMs);
    }
  }

  /**
   * A log that vanished between two attempts goes on far above whatever a client may have seen of it: no seq is used twice. One whose earlier
   * attempt ended before it had spoken looks the same.
   */
  async function openAfterEarlierAttempt(): Promise<void> {
    if ((await readLastSeq(parts.redis, address)) > 0) return;
    const base = attempt * seqsPerAttempt;
    await parts.appender.restore(address, attempt, base, { text: '', reasoning: '' });
    seq = base;
  }

  function start(): void {
    if (!abandoned && pending.size() > 0) pumping ??= pump();
  }

  return {
    get text() {
      return written.text;
    },
    get reasoning() {
      return written.reasoning;
    },
    write(event) {
      if (frozen || abandoned) return;
      fold(written, event);
      pending.add(event);
      start();
    },
    async located() {
      if (seq !== -1 || abandoned) return;
      await atMost(locateLimitMs, place.promise, undefined);
    },
    freeze() {
      frozen = true;
      const before = seq === -1 && attempt === 1 ? queuedEvents : Math.max(seq, 0);
      return before + inFlight.length + pending.size() + 1;
    },
    async end(terminal, limitMs) {
      pending.add(terminal);
      start();
      if (pumping) await atMost(limitMs, pumping, undefined);
      abandoned = true;
    },
    abandon() {
      abandoned = true;
    },
  };
}
