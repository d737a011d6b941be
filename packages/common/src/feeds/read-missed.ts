import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import { fold, nothingShown } from '@nexus/protocol/fold';
import type { LogAddress } from '../events/event-log-names.ts';
import { readLog } from '../events/read-log.ts';
import type { PrismaClient } from '../postgres/open-database.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { loadSnapshot } from './load-snapshot.ts';
import { loadStanding, type Standing } from './load-standing.ts';

export type MissedSources = {
  redis: Redis;
  loadStanding: (address: LogAddress) => ReturnType<typeof loadStanding>;
  loadSnapshot: (address: LogAddress) => ReturnType<typeof loadSnapshot>;
};

export function createMissedSources(database: Pick<PrismaClient, '$queryRaw'>, redis: Redis): MissedSources {
  return {
    redis,
    loadStanding: (address) => loadStanding(database, address),
    loadSnapshot: (address) => loadSnapshot(database, address),
  };
}

export type Missed = {
  /** Oldest first; null: the log is lost and its invocation still runs; its writer restores it, ask again. */
  events: InvocationEvent[] | null;
  /** Whether nothing follows them. */
  over: boolean;
  /** By the database's clock; null: there is no such invocation. */
  begunAgoMs: number | null;
};

/**
 * What a reader that has seen everything up to `cursor` missed: from the log, or, where the log does not reach back that far, a snapshot
 * from Postgres.
 */
export async function readMissed(sources: MissedSources, address: LogAddress, cursor: number): Promise<Missed> {
  // How it stands before the log: whoever finished after this read is heard live, by a subscription that is already open.
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

  // Nothing after the cursor. Either the reader is at the end, or it claims to have seen what was never said.
  if (cursor === 0 || seen?.seq === cursor) return [];
  const all = await readWholeLog(redis, address, 0);
  const row = await loadSnapshot(address);
  if (!row || isLastEvent(row)) return asEvents(row); // finished meanwhile
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

/** The log folded into one event: what a client would show that had seen all of it. */
function toSnapshot(row: Snapshot, events: InvocationEvent[]): Snapshot {
  const { text, reasoning, seq } = events.reduce(fold, nothingShown());
  return { ...row, seq, data: { ...row.data, text, reasoning, upToSeq: seq } };
}
