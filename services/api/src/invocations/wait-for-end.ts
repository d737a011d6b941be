import { setTimeout as sleep } from 'node:timers/promises';
import { endsInvocation } from '@nexus/common/events/event-json';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import type { ConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { isLastEvent } from '@nexus/protocol/event';

export type WaitParts = {
  feeds: Pick<ConversationFeeds, 'open'>;
  stopping: AbortSignal;
  /** Whether Postgres says that it is over. */
  isOver: (target: LogAddress) => Promise<boolean>;
  /** Told once in a wait why nothing is heard. */
  onTrouble: (error: unknown, target: LogAddress) => void;
  /** How often Postgres is asked while nothing is heard: Redis may be away without anybody noticing. */
  lookEveryMs?: number;
  /** How soon a feed that could not be opened or read is tried again. */
  retryMs?: number;
};

const standardLookEveryMs = 3_000;
const standardRetryMs = 1_000;

/** Resolves when the invocation is over, the wait is, the client left, or the process stops; not earlier because Redis is away. */
export async function waitForEnd(parts: WaitParts, target: LogAddress, limit: AbortSignal): Promise<void> {
  const done = new AbortController();
  const giveUp = () => done.abort();
  const signals = [limit, parts.stopping];
  if (signals.some(({ aborted }) => aborted)) return;
  for (const signal of signals) signal.addEventListener('abort', giveUp);
  let heardAt = performance.now();
  const onHeard = () => {
    heardAt = performance.now();
  };
  try {
    await Promise.race([
      hearEnd(parts, target, onHeard, done.signal),
      seeEnd(parts, target, () => heardAt, done.signal),
    ]);
  } finally {
    // Not AbortSignal.any: `stopping` would keep something of each wait for as long as the process lives.
    for (const signal of signals) signal.removeEventListener('abort', giveUp);
    giveUp(); // what still reads for it
  }
}

async function hearEnd(parts: WaitParts, target: LogAddress, onHeard: () => void, done: AbortSignal): Promise<void> {
  for (let tries = 1; !done.aborted; tries += 1) {
    try {
      return await hearEndOnce(parts.feeds, target, onHeard, done);
    } catch (error) {
      if (tries === 1 && !done.aborted) parts.onTrouble(error, target);
      await pause(parts.retryMs ?? standardRetryMs, done);
    }
  }
}

/** Asks where nothing was heard for a while, and after each further while. */
async function seeEnd(parts: WaitParts, target: LogAddress, heardAt: () => number, done: AbortSignal): Promise<void> {
  const { isOver, lookEveryMs = standardLookEveryMs } = parts;
  let askedAt = heardAt();
  while (!done.aborted) {
    const silentMs = performance.now() - Math.max(heardAt(), askedAt);
    if (silentMs < lookEveryMs) {
      await pause(lookEveryMs - silentMs, done);
      continue;
    }
    askedAt = performance.now();
    if (await isOver(target).catch(() => false)) return; // Postgres may be away as well
  }
}

/** Rejects where the feed cannot be opened or read. */
async function hearEndOnce(
  feeds: WaitParts['feeds'],
  { conversationId, invocationId }: LogAddress,
  onHeard: () => void,
  done: AbortSignal,
): Promise<void> {
  const held = await feeds.open(conversationId, done);
  const { feed } = held;
  const over = Promise.withResolvers<void>();
  const giveUp = () => over.resolve();
  done.addEventListener('abort', giveUp);
  const stopListening = feed.onEvent((event) => {
    if (event.invocationId !== invocationId) return;
    onHeard();
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

/** Resolves after so long, or at once when the signal says so. */
async function pause(ms: number, done: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: done }).catch(() => {});
}
