import { sha256 } from '@nexus/common/feeds/load-snapshot';
import { type InvocationEvent, isTerminalType } from '@nexus/protocol/event';
import { hashes, type Watcher } from './watch-conversation.ts';

type Seen = { accepted: { id: string; conversationId: string }[]; watchers: Watcher[] };

/**
 * I2: what each client shows equals what is stored, and matches the hash in the last event, in order and without a repeat. A client gets one end
 * only. No older attempt sends an event after a newer one.
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

/** The sequence of events in short, for error messages. */
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
