import type { LogAddress } from './append-events.ts';
import { type InvocationEvent, isLastEvent } from './event.ts';
import type { loadSnapshot } from './load-snapshot.ts';
import type { Redis } from './open-redis.ts';
import { readLog } from './read-log.ts';

export type MissedSources = {
  redis: Redis;
  loadSnapshot: (address: LogAddress) => ReturnType<typeof loadSnapshot>;
};

/**
 * What a reader that has seen everything up to `cursor` missed, oldest first: from the log, or, where the log does not reach back
 * that far, a snapshot from Postgres. null: the log is lost and its invocation still runs; its writer restores it, ask again.
 */
export async function readMissed(
  { redis, loadSnapshot }: MissedSources,
  address: LogAddress,
  cursor: number,
): Promise<InvocationEvent[] | null> {
  // The row before the log: whoever finished after this read is heard live, by a subscription that is already open.
  const row = await loadSnapshot(address);
  if (!row) return [];
  const finished = isLastEvent(row);
  const events = await readWholeLog(redis, address, cursor);
  const first = events[0];
  const reachesBack = first ? first.seq === cursor + 1 || first.type === 'invocation.snapshot' : false;
  if (first && reachesBack) {
    const last = events.at(-1);
    return finished && last && !isLastEvent(last) ? [...events, row] : events;
  }
  if (finished && cursor === row.data.upToSeq) return [];
  const seen = cursor === 0 ? undefined : (await readLog(redis, address, cursor - 1)).events[0];
  if (finished) return seen?.seq === cursor && isLastEvent(seen) ? [] : [row];
  if (first) return null;

  // Nothing after the cursor. Either the reader is at the end, or it claims to have seen what was never said.
  if (cursor === 0 || seen?.seq === cursor) return [];
  const all = await readWholeLog(redis, address, 0);
  if (all.length > 0) return [toSnapshot(row, all)];
  return row.data.status === 'queued' ? [{ ...row, seq: 0 }] : null;
}

async function readWholeLog(redis: Redis, address: LogAddress, after: number): Promise<InvocationEvent[]> {
  const events: InvocationEvent[] = [];
  for (;;) {
    const page = await readLog(redis, address, events.at(-1)?.seq ?? after);
    events.push(...page.events);
    if (!page.more) return events;
  }
}

type Snapshot = Extract<InvocationEvent, { type: 'invocation.snapshot' }>;

/** The log folded into one event: what a client would show that had seen all of it. */
function toSnapshot(row: Snapshot, events: InvocationEvent[]): Snapshot {
  let text = '';
  let reasoning = '';
  for (const event of events) {
    if (event.type === 'message.delta') text += event.data.text;
    else if (event.type === 'reasoning.delta') reasoning += event.data.text;
    else if (event.type === 'invocation.restarted') [text, reasoning] = ['', ''];
    else if (event.type === 'invocation.snapshot') ({ text, reasoning } = event.data);
  }
  const seq = events.at(-1)?.seq ?? 0;
  return { ...row, seq, data: { ...row.data, text, reasoning, upToSeq: seq } };
}
