import type { Logger } from '../logging/create-logger.ts';
import type { Database } from '../postgres/open-database.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { createSecretRing, type SecretRing } from '../secrets/secret-ring.ts';
import { type Authenticator, createAuthenticator } from './create-authenticator.ts';
import { createKeyCache, type KeyCache } from './key-cache.ts';
import { loadKeys, noteKeysUsed } from './load-keys.ts';

const channel = 'nexus:keys';

export type Access = {
  authenticator: Authenticator;
  keys: KeyCache;
  ring: SecretRing;
  /** A key was changed here: it counts at once in this process, and a moment later in all others. */
  keysChanged(): Promise<void>;
  close(): void;
};

/** What a service knows of its callers. `subscriber` hears of changes; while Redis is away the timer of the cache finds them. */
export async function openAccess(parts: {
  database: Database;
  redis: Redis;
  subscriber: Redis;
  logger: Pick<Logger, 'warn'>;
  mode: 'keys' | 'off';
  secrets: string[];
}): Promise<Access> {
  const { database, redis, subscriber, logger, mode, secrets } = parts;
  const ring = createSecretRing(secrets);
  const keys = createKeyCache({
    loadKeys: (ids) => loadKeys(database, ids),
    noteUsed: (ids) => noteKeysUsed(database, ids),
    onTrouble: (error) => logger.warn({ error }, 'keys could not be checked again, they stay as they were'),
  });
  subscriber.on('message', (from: string) => {
    if (from === channel) keys.refreshAll().catch(() => {}); // the timer tries again
  });
  subscriber.subscribe(channel).catch(() => {}); // the client subscribes again when it connects

  return {
    authenticator: createAuthenticator({ mode, keys, ring }),
    keys,
    ring,
    async keysChanged() {
      // All: a key that these have made ends with them. The change is stored: the caller gets its answer though the next look fails.
      await keys
        .refreshAll()
        .catch((error: unknown) => logger.warn({ error }, 'keys could not be read, the timer tries again'));
      await redis.publish(channel, '').catch(() => {}); // the timers of the others find it
    },
    close: keys.close,
  };
}
