import type { Cluster, Redis as SingleRedis } from 'ioredis';
import type { Logger } from '../logging/create-logger.ts';

/** A connection to one server, or a client of a cluster. Both have the same commands. */
export type Redis = SingleRedis | Cluster;

export type RedisConnection<R extends Redis = Redis> = { redis: R; close(): Promise<void> };

export type OpenRedisOptions = {
  name: string;
  logger: Pick<Logger, 'warn' | 'info'>;
  /** Whether the URL names nodes of a Redis Cluster. */
  cluster?: boolean;
};
