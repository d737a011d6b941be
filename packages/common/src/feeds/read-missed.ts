import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import { fold, nothingShown } from '@nexus/protocol/fold';
import type { LogAddress } from '../events/event-log-names.ts';
import { readLog } from '../events/read-log.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { loadSnapshot } from './load-snapshot.ts';
import { loadStanding, type Standing } from './load-standing.ts';

export type MissedSources = {
  redis: Redis;
  loadStanding: (address: LogAddress) => ReturnType<typeof loadStanding>;
  loadSnapshot: (address: LogAddress) => ReturnType<typeof loadSnapshot>;
};

export function createMissedSources(database: Queryable, redis: Redis): MissedSources {
  return {
    redis,
    loadStanding: (address) => loadStanding(database, address),
    loadSnapshot: (address) => loadSnapshot(database, address),
  };
}

export type Missed = {
  /** Oldest first. null: the log is lost while the invocation runs. Its writer will restore it, so read again. */
  events: InvocationEvent[] | null;
  /** Whether no event follows these. */
  over: boolean;
  /** By the database's clock. null if there is no such invocation. */
  begunAgoMs: number | null;
};

/**
 * The events that a reader at `cursor` has missed: from the log, or, if the log does not reach back so far, a snapshot from Postgres.
 */
export async function readMissed(sources: MissedSources, address: LogAddress, cursor: number): Promise<Missed> {
  // Read the row before the log. If the invocation finishes after this read, its end arrives by the subscription, which is already open.
  const standing = await sources.loadStanding(address);
  if (!standing) return { events: [], over: false, begunAgoMs: null };
  const events = await readEvents(sources, address, cursor, standing);
  const last = events?.at(-1);
  const over = last ? isLastEvent(last) : events !== null && standing.finished;
  return { events, over, begunAgoMs: standing.begunAgoMs };
}

async function readEvents(
  { redis, loadSnapshot }: MissedSources,
  address: LogAddress,
  cursor: number,
  { finished, lastSeq }: Standing,
): Promise<InvocationEvent[] | null> {
  const events = await readWholeLog(redis, address, cursor);
  const [first, last] = [events[0], events.at(-1)];
  const reachesBack = first ? first.seq === cursor + 1 || first.type === 'invocation.snapshot' : false;
  if (last && reachesBack) {
    return finished && !isLastEvent(last) ? [...events, ...asEvents(await loadSnapshot(address))] : events;
  }
  if (finished && cursor === lastSeq) return [];
  const seen = cursor === 0 ? undefined : (await readLog(redis, address, cursor - 1)).events[0];
  if (finished) return seen?.seq === cursor && isLastEvent(seen) ? [] : asEvents(await loadSnapshot(address));
  if (first) return null;

  // The log has nothing after the cursor: the reader is at the end, or its cursor is higher than any event.
  if (cursor === 0 || seen?.seq === cursor) return [];
  const all = await readWholeLog(redis, address, 0);
  const row = await loadSnapshot(address);
  if (!row || isLastEvent(row)) return asEvents(row); // it finished meanwhile
  if (all.length > 0) return [toSnapshot(row, all)];
  return row.data.status === 'queued' ? [{ ...row, seq: 0 }] : null;
}

function asEvents(row: Snapshot | null): Snapshot[] {
  return row ? [row] : [];
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

/** Folds the log into one event: what a client shows that has seen all of it. */
function toSnapshot(row: Snapshot, events: InvocationEvent[]): Snapshot {
  const { text, reasoning, seq } = events.reduce(fold, nothingShown());
  return { ...row, seq, data: { ...row.data, text, reasoning, upToSeq: seq } };
}
