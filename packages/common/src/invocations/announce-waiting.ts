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

/** A longer line before those that are told together is as good as endless to whoever waits in it. */
const mostCounted = 1_000;

/**
 * Says of an invocation that it waits, and at which place: how many of its provider wait, but for those it was told together with that came
 * later. Those of one turn are counted in one statement. Never rejects: what is not said here `GET /api/invocations/:id` says.
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

  /** None where Postgres does not say: that it waits is told all the same. */
  async function count(all: Waiting[]): Promise<Map<string, number>> {
    try {
      const providers = [...new Set(all.map(({ provider }) => provider))];
      return await countQueued(parts.database, providers, mostCounted + all.length);
    } catch (error) {
      parts.logger.warn({ error, invocations: all.length }, 'could not count what waits');
      return new Map();
    }
  }

  function announce({ id: invocationId, conversationId }: Waiting, position: number): void {
    const ids = { invocationId, conversationId };
    parts.appender.append(ids, 0, [{ type: 'invocation.queued', data: { position } }], -1).catch((error: unknown) => {
      // A worker that was quicker has spoken already: then nobody needs to hear that it was queued.
      if (!(error instanceof AppError)) parts.logger.warn({ error, ...ids }, 'could not announce that it is queued');
    });
  }

  return (waiting) => {
    if (told.push(waiting) === 1) atEndOfTurn(() => void announceAll());
  };
}

async function countQueued(database: Queryable, providers: string[], most: number): Promise<Map<string, number>> {
  const rows = await database.query<{ provider: string; count: number }>`
    SELECT provider, (SELECT count(*)::int FROM (
      SELECT 1 FROM invocation i WHERE i.provider = asked.provider AND i.status = 'queued' LIMIT ${most}::int) queued) AS count
    FROM unnest(${providers}::text[]) AS asked(provider)`;
  return new Map(rows.map(({ provider, count }) => [provider, count]));
}
