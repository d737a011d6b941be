import { AppError } from '../errors/app-error.ts';
import type { EventAppender } from '../events/append-events.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';
import type { InsertedInvocation } from './insert-invocations.ts';

export type WaitingAnnouncerParts = {
  database: Queryable;
  appender: Pick<EventAppender, 'append'>;
  logger: Pick<Logger, 'warn'>;
};

type Waiting = Pick<InsertedInvocation, 'id' | 'conversationId' | 'provider'>;

/** Counts at most this many invocations before the announced ones: to a client, a longer queue makes no difference. */
const maxCounted = 1_000;

/**
 * Announces that an invocation waits, and its place: how many invocations of its provider wait, without the later ones of the same turn of the
 * event loop. One statement counts for all invocations of one turn. Never throws: a client can also ask `GET /api/invocations/:id`.
 */
export function createWaitingAnnouncer(parts: WaitingAnnouncerParts): (waiting: Waiting) => void {
  let told: Waiting[] = [];

  async function announceAll(): Promise<void> {
    const all = told;
    told = [];
    const places = await count(all);
    for (const waiting of all.toReversed()) {
      const place = places.get(waiting.provider) ?? 0;
      places.set(waiting.provider, place - 1);
      announce(waiting, Math.max(place, 1));
    }
  }

  /** Returns no counts if Postgres is away: the invocations are announced without them. */
  async function count(all: Waiting[]): Promise<Map<string, number>> {
    try {
      const providers = [...new Set(all.map(({ provider }) => provider))];
      return await countQueued(parts.database, providers, maxCounted + all.length);
    } catch (error) {
      parts.logger.warn({ error, invocations: all.length }, 'could not count the waiting invocations');
      return new Map();
    }
  }

  function announce({ id: invocationId, conversationId }: Waiting, position: number): void {
    const ids = { invocationId, conversationId };
    parts.appender.append(ids, 0, [{ type: 'invocation.queued', data: { position } }], -1).catch((error: unknown) => {
      // An AppError means that a worker has already started the invocation: then the event is not needed.
      if (!(error instanceof AppError)) parts.logger.warn({ error, ...ids }, 'could not announce that it is queued');
    });
  }

  return (waiting) => {
    if (told.push(waiting) === 1) atEndOfTurn(() => void announceAll());
  };
}

async function countQueued(database: Queryable, providers: string[], max: number): Promise<Map<string, number>> {
  const rows = await database.query<{ provider: string; count: number }>`
    SELECT provider, (SELECT count(*)::int FROM (
      SELECT 1 FROM invocation i WHERE i.provider = asked.provider AND i.status = 'queued' LIMIT ${max}::int) queued) AS count
    FROM unnest(${providers}::text[]) AS asked(provider)`;
  return new Map(rows.map(({ provider, count }) => [provider, count]));
}
