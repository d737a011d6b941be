import type { Pool } from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { isRedisReady } from '../redis/ping-redis.ts';
import type { Redis } from '../redis/redis-connection.ts';

/**
 * How often the process samples its event loop, in milliseconds. The library's default of 10 wakes an idle process a hundred times a second, which
 * takes 0.5 % of a CPU. A lag below this value shows as this value.
 */
const lagEveryMs = 100;

/** A registry with the metrics of every service: the runtime, and the connections to Redis and Postgres. */
export function createServiceRegistry(parts: { pool: Pool; redis: Record<string, Redis> }): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagEveryMs });
  new Gauge({
    name: 'nexus_redis_ready',
    help: '1 while the connection to Redis can be used.',
    labelNames: ['connection'],
    registers: [registry],
    collect() {
      for (const [connection, redis] of Object.entries(parts.redis))
        this.set({ connection }, isRedisReady(redis) ? 1 : 0);
    },
  });
  new Gauge({
    name: 'nexus_postgres_pool_connections',
    help: 'Connections of the pool to Postgres, and the queries that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'total' }, parts.pool.totalCount);
      this.set({ state: 'idle' }, parts.pool.idleCount);
      this.set({ state: 'waiting' }, parts.pool.waitingCount);
    },
  });
  return registry;
}
