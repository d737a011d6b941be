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

/** If Redis lost the log between two attempts, the seqs of the later one begin this much higher. No attempt has so many events. */
const seqsPerAttempt = 1_000_000;
/** How long the end of an answer waits for Redis to report the seq of the log. */
const locateLimitMs = 1_000;
const retryFirstMs = 50;
const retryMaxMs = 1_000;

export type AnswerWriter = {
  /** Everything written so far, whether or not it is published. */
  readonly text: string;
  readonly reasoning: string;
  /** Queues an event. Deltas collect while an append is under way. Never throws: it reports a lost claim to `onClaimLost`. */
  write(event: NewEvent): void;
  /** Resolves when the log has reported the seq of this attempt's events, or after a limit. After the limit `freeze` guesses it. */
  located(): Promise<void>;
  /** Ignores every later write. Returns the seq that the terminal event will have. */
  freeze(): number;
  /** Publishes the remaining events and the terminal event. Gives up after the limit: readers then get a snapshot from Postgres. */
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

/** Writes one attempt's events to the log. Keeps their order, collects deltas, and continues after Redis was away or lost the log. */
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

  /** Appends until no event is left, and clears `pumping` in that same tick, so that the next write starts it again. */
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
   * Prepares the retry of a failed append. If its reply was lost, the seq of the log shows how many events Redis has: this attempt is the log's
   * only writer.
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
   * If the log vanished between two attempts, continue far above every seq that a client may have seen, so that no seq is used twice. A log is
   * also empty if the earlier attempt ended before its first event. That case is treated the same.
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
