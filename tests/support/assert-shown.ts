import { sha256 } from '@nexus/common/feeds/load-snapshot';
import { type InvocationEvent, isTerminalType } from '@nexus/protocol/event';
import { hashes, type Watcher } from './watch-conversation.ts';

type Seen = { accepted: { id: string; conversationId: string }[]; watchers: Watcher[] };

/**
 * I2: what each client shows equals what is stored and what the last event says its hash is, in order, without a repeat; it is told
 * of one end only; an older attempt never speaks after a newer one.
 */
export async function assertShown({ accepted, watchers }: Seen, storedText: (id: string) => string): Promise<void> {
  for (const watcher of watchers) {
    const own = accepted.filter(({ conversationId }) => conversationId === watcher.conversationId);
    for (const { id } of own) {
      const shown = await watcher.ended(id, 15_000).catch((error: Error) => {
        throw new Error(`I2: ${error.message}; last ${JSON.stringify(watcher.eventsOf(id).at(-1))?.slice(0, 200)}`);
      });
      const stored = storedText(id);
      if (shown.text !== stored)
        throw new Error(
          `I2: ${id} shows ${shown.text.length} characters, ${stored.length} are stored: ${outline(watcher.eventsOf(id))}`,
        );
      const hash = hashes(shown).stored;
      if (hash !== (stored === '' ? null : sha256(stored))) throw new Error(`I2: ${id} ended with the hash ${hash}`);
      const ends = watcher.eventsOf(id).filter(({ type }) => isTerminalType(type));
      if (ends.length > 1) throw new Error(`I1: ${id} ended ${ends.map(({ type }) => type)}`);
      assertOrder(watcher.eventsOf(id));
    }
  }
}

/** The sequence in short: what went wrong shows in it. */
function outline(events: InvocationEvent[]): string {
  return events
    .map(({ seq, type, data }) => `${seq} ${type}${'text' in data ? `(${data.text.length})` : ''}`)
    .join(', ');
}

function assertOrder(events: InvocationEvent[]): void {
  let seq = 0;
  let attempt = 0;
  for (const event of events) {
    const isFinalSnapshot = event.type === 'invocation.snapshot';
    const from = event.from ?? event.seq;
    if (from <= seq && !isFinalSnapshot) throw new Error(`I2: seq ${from} to ${event.seq} came after ${seq}`);
    seq = Math.max(seq, event.seq);
    if (event.type !== 'invocation.started') continue;
    if (event.data.attempt < attempt) throw new Error(`I2: attempt ${event.data.attempt} spoke after ${attempt}`);
    attempt = event.data.attempt;
  }
}
