import { setTimeout as sleep } from 'node:timers/promises';
import { endsInvocation } from '@nexus/common/events/event-json';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import type { ConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { isLastEvent } from '@nexus/protocol/event';

export type WaitParts = {
  feeds: Pick<ConversationFeeds, 'open'>;
  stopping: AbortSignal;
  /** Whether the invocation has ended, by Postgres. */
  isOver: (target: LogAddress) => Promise<boolean>;
  /** Called at most once in a wait, when the feed cannot be opened or read. */
  onTrouble: (error: unknown, target: LogAddress) => void;
  /** How often to ask Postgres while no event arrives: Redis may be away without an error. */
  lookEveryMs?: number;
  /** The wait before the next try to open or read a feed. */
  retryMs?: number;
};

const standardLookEveryMs = 3_000;
const standardRetryMs = 1_000;

/** Resolves when the invocation has ended, `limit` aborts, or the process stops. It does not resolve earlier if Redis is away. */
export async function waitForEnd(parts: WaitParts, target: LogAddress, limit: AbortSignal): Promise<void> {
  const done = new AbortController();
  const giveUp = () => done.abort();
  const signals = [limit, parts.stopping];
  if (signals.some(({ aborted }) => aborted)) return;
  for (const signal of signals) signal.addEventListener('abort', giveUp);
  let lastEventAt = performance.now();
  const onEvent = () => {
    lastEventAt = performance.now();
  };
  try {
    await Promise.race([
      followFeed(parts, target, onEvent, done.signal),
      askPostgres(parts, target, () => lastEventAt, done.signal),
    ]);
  } finally {
    // Not AbortSignal.any: `stopping` would keep a reference to each wait until the process ends.
    for (const signal of signals) signal.removeEventListener('abort', giveUp);
    giveUp(); // ends the reads that still run
  }
}

async function followFeed(parts: WaitParts, target: LogAddress, onEvent: () => void, done: AbortSignal): Promise<void> {
  for (let tries = 1; !done.aborted; tries += 1) {
    try {
      return await followFeedOnce(parts.feeds, target, onEvent, done);
    } catch (error) {
      if (tries === 1 && !done.aborted) parts.onTrouble(error, target);
      await pause(parts.retryMs ?? standardRetryMs, done);
    }
  }
}

/** Asks Postgres each time no event has arrived for `lookEveryMs`. */
async function askPostgres(
  parts: WaitParts,
  target: LogAddress,
  lastEventAt: () => number,
  done: AbortSignal,
): Promise<void> {
  const { isOver, lookEveryMs = standardLookEveryMs } = parts;
  let askedAt = lastEventAt();
  while (!done.aborted) {
    const silentMs = performance.now() - Math.max(lastEventAt(), askedAt);
    if (silentMs < lookEveryMs) {
      await pause(lookEveryMs - silentMs, done);
      continue;
    }
    askedAt = performance.now();
    if (await isOver(target).catch(() => false)) return; // Postgres may be away as well
  }
}

/** Rejects if the feed cannot be opened or read. */
async function followFeedOnce(
  feeds: WaitParts['feeds'],
  { conversationId, invocationId }: LogAddress,
  onEvent: () => void,
  done: AbortSignal,
): Promise<void> {
  const held = await feeds.open(conversationId, done);
  const { feed } = held;
  const over = Promise.withResolvers<void>();
  const giveUp = () => over.resolve();
  done.addEventListener('abort', giveUp);
  const stopListening = feed.onEvent((event) => {
    if (event.invocationId !== invocationId) return;
    onEvent();
    if (endsInvocation(event)) over.resolve();
  });
  try {
    if (done.aborted) return;
    const attached = feed.attach(
      invocationId,
      0,
      (missed) => {
        if (missed.some(isLastEvent) || feed.hasEnded(invocationId)) over.resolve();
      },
      done,
    );
    attached.catch(over.reject);
    await over.promise;
  } finally {
    done.removeEventListener('abort', giveUp);
    stopListening();
    held.close();
  }
}

/** Resolves after `ms`, or when the signal aborts. */
async function pause(ms: number, done: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: done }).catch(() => {});
}
