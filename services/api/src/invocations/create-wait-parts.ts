import { createMissedSources } from '@nexus/common/feeds/read-missed';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Redis } from '@nexus/common/redis/redis-connection';
import type { WaitParts } from './wait-for-end.ts';

export type WaitSources = Pick<WaitParts, 'feeds' | 'stopping'> & {
  database: Database;
  redis: Redis;
  logger: Pick<Logger, 'warn'>;
};

/** What a wait for an invocation's end needs: it listens, and asks Postgres where it cannot hear. */
export function createWaitParts({ database, redis, feeds, stopping, logger }: WaitSources): WaitParts {
  const { loadStanding } = createMissedSources(database, redis);
  return {
    feeds,
    stopping,
    isOver: async (address) => (await loadStanding(address))?.finished ?? true,
    onTrouble: (error, address) => logger.warn({ error, ...address }, 'a long poll asks Postgres, as it cannot hear'),
  };
}
