import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationFeeds } from '@nexus/common/conversation-feeds';
import { isLastEvent } from '@nexus/common/event';
import type { LogAddress } from '@nexus/common/event-log-names';

export type WaitParts = {
  feeds: Pick<ConversationFeeds, 'open'>;
  stopping: AbortSignal;
  /** Whether Redis answers: without it nothing is heard. */
  canHear: () => boolean;
  /** Whether Postgres says that it is over. */
  isOver: (target: LogAddress) => Promise<boolean>;
};

/** How often Postgres is asked while nothing is heard, and how soon a feed that could not be read is tried again. */
const lookEveryMs = 1_000;

/** Resolves when the invocation is over, the wait is, the client left, or the process stops; not earlier because Redis is away. */
export async function waitForEnd(parts: WaitParts, target: LogAddress, limit: AbortSignal): Promise<void> {
  const done = new AbortController();
  const giveUp = () => done.abort();
  const signals = [limit, parts.stopping];
  if (signals.some(({ aborted }) => aborted)) return;
  for (const signal of signals) signal.addEventListener('abort', giveUp);
  try {
    await Promise.race([hearEnd(parts, target, done.signal), seeEnd(parts, target, done.signal)]);
  } finally {
    // Not AbortSignal.any: `stopping` would keep something of each wait for as long as the process lives.
    for (const signal of signals) signal.removeEventListener('abort', giveUp);
    giveUp(); // what still reads for it
  }
}

async function hearEnd({ feeds }: WaitParts, target: LogAddress, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    try {
      return await hearEndOnce(feeds, target, done);
    } catch {
      await pause(done);
    }
  }
}

async function seeEnd({ canHear, isOver }: WaitParts, target: LogAddress, done: AbortSignal): Promise<void> {
  for (;;) {
    await pause(done);
    if (done.aborted) return;
    if (!canHear() && (await isOver(target).catch(() => false))) return;
  }
}

/** Rejects where the feed cannot be opened or read. */
async function hearEndOnce(
  feeds: WaitParts['feeds'],
  { conversationId, invocationId }: LogAddress,
  done: AbortSignal,
): Promise<void> {
  const held = await feeds.open(conversationId, done);
  const { feed } = held;
  const over = Promise.withResolvers<void>();
  const giveUp = () => over.resolve();
  done.addEventListener('abort', giveUp);
  const stopListening = feed.onEvent((event) => {
    if (event.invocationId === invocationId && isLastEvent(event)) over.resolve();
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

/** Resolves after a while, or at once when the signal says so. */
async function pause(done: AbortSignal): Promise<void> {
  await sleep(lookEveryMs, undefined, { signal: done }).catch(() => {});
}
