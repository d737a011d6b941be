import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { echoAgent } from '../../prisma/seed-agents.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import type { TestDatabase } from './create-test-database.ts';
import { openTestRedis, type TestRedis } from './open-test-redis.ts';
import { openTestRedisCluster } from './open-test-redis-cluster.ts';
import { type RunningService, type ServiceName, startService } from './start-service.ts';
import { type Watcher, watch } from './watch-conversation.ts';

const quiet = { warn() {}, info() {} };

export type Stack = {
  api: ApiClient;
  apiUrl: string;
  gatewayUrl: string;
  gateways: RunningService[];
  workers: RunningService[];
  apis: RunningService[];
  database: Database;
  redis: Redis;
  testDatabase: TestDatabase;
  testRedis: TestRedis;
  /** Starts one more process of a service. It stops with the stack. */
  start(name: ServiceName, env?: Record<string, string>): Promise<RunningService>;
  /** Opens a client of a gateway of the stack, or of the given URL. */
  watch(options: Parameters<typeof watch>[1] & { gateway?: number; url?: string }): Promise<Watcher>;
  echoAgentId: string;
  close(): Promise<void>;
};

export type StackOptions = {
  workers?: number;
  gateways?: number;
  apis?: number;
  env?: Record<string, string>;
  redis?: Parameters<typeof openTestRedis>[0];
  /** A Redis Cluster instead of one server. */
  cluster?: boolean;
  /** The URL that the services use for Redis, if it is not Redis' own. */
  redisUrlFor?: (url: string) => Promise<string>;
};

/** Starts API, gateways and workers as processes on this database, with their own Redis. Closing the stack closes the database. */
export async function startStack(
  testDatabase: TestDatabase,
  {
    workers = 1,
    gateways = 1,
    apis = 1,
    env = {},
    redis: redisOptions,
    cluster = false,
    redisUrlFor,
  }: StackOptions = {},
): Promise<Stack> {
  const testRedis = await (cluster ? openTestRedisCluster() : openTestRedis(redisOptions));
  const running: Record<ServiceName, RunningService[]> = { api: [], gateway: [], worker: [] };
  const watchers: Watcher[] = [];
  const database = openDatabase(testDatabase.url, { poolSize: 4, name: 'test', logger: quiet });
  const connection = openRedis(testRedis.url, 'commands', { name: 'test', cluster, logger: quiet });
  const base = {
    DATABASE_URL: testDatabase.url,
    REDIS_URL: redisUrlFor ? await redisUrlFor(testRedis.url) : testRedis.url,
    REDIS_CLUSTER: cluster ? 'on' : 'off',
    ECHO_DELAY_MS: '5',
    SHUTDOWN_GRACE_MS: '3000',
    ...env,
  };

  const start = async (name: ServiceName, more: Record<string, string> = {}) => {
    const service = await startService(name, { ...base, ...more });
    running[name].push(service);
    return service;
  };
  const close = async () => {
    for (const watcher of watchers) watcher.close();
    await Promise.all([...running.api, ...running.gateway, ...running.worker].map((service) => service.stop()));
    await connection.close();
    await database.close();
    await testRedis.close();
    await testDatabase.close();
  };
  try {
    await waitForRedis(connection.redis, 5_000);
    const starts = await Promise.allSettled([
      ...Array.from({ length: apis }, () => start('api')),
      ...Array.from({ length: gateways }, () => start('gateway')),
      ...Array.from({ length: workers }, () => start('worker')),
    ]);
    for (const each of starts) if (each.status === 'rejected') throw each.reason;
  } catch (error) {
    await close();
    throw error;
  }
  const urlOf = (service: RunningService | undefined) => service?.url ?? '';
  return {
    api: createApiClient(() => urlOf(running.api.at(-1))),
    get apiUrl() {
      return urlOf(running.api.at(-1));
    },
    get gatewayUrl() {
      return urlOf(running.gateway[0]);
    },
    apis: running.api,
    gateways: running.gateway,
    workers: running.worker,
    database: database.database,
    redis: connection.redis,
    testDatabase,
    testRedis,
    start,
    async watch({ gateway = 0, url = urlOf(running.gateway[gateway]), ...options }) {
      const watcher = await watch(url, options);
      watchers.push(watcher);
      return watcher;
    },
    echoAgentId: echoAgent.id,
    close,
  };
}
