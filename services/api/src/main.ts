import { createServer } from 'node:http';
import { createEventAppender } from '@nexus/common/events/append-events';
import { createConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { createEventSubscriptions } from '@nexus/common/feeds/event-subscriptions';
import { createFeedMetrics } from '@nexus/common/feeds/feed-metrics';
import { loadPossiblyMissed } from '@nexus/common/feeds/load-possibly-missed';
import { createMissedSources } from '@nexus/common/feeds/read-missed';
import { createAddressGuard } from '@nexus/common/guard/address-guard';
import { openGuardedFetch } from '@nexus/common/guard/open-guarded-fetch';
import { createInvocationMetrics } from '@nexus/common/invocations/invocation-metrics';
import { isDatabaseUnavailable } from '@nexus/common/postgres/database-error';
import { openDatabase } from '@nexus/common/postgres/open-database';
import { openAccess } from '@nexus/common/principals/open-access';
import { createServiceRegistry } from '@nexus/common/process/create-service-registry';
import { runService } from '@nexus/common/process/run-service';
import { listen } from '@nexus/common/process/serve-health';
import { openInvocationQueues } from '@nexus/common/queue/invocation-queue';
import { traceQueues } from '@nexus/common/queue/trace-queues';
import { assertRedisFits } from '@nexus/common/redis/assert-redis-fits';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import type { RedisPurpose } from '@nexus/common/redis/redis-options';
import { assertRingComplete } from '@nexus/common/secrets/secret-uses';
import { atMost } from '@nexus/common/timing/at-most';
import { readApiConfig } from './api-config.ts';
import { createApiMetrics } from './api-metrics.ts';
import { createApp, queueBoardPath } from './app.ts';

/** Redis and Postgres may be away: the API starts all the same. But what does not fit is refused while there is somebody to tell. */
const storeLimitMs = 3_000;

/** Longer than proxies keep an idle connection: it is theirs to end, or a request may meet one that is just being closed. */
const idleConnectionMs = 75_000;

/**
 * Longer than a wait for an invocation's end, or the silence of a stream. What a client that takes nothing was sent stays in memory: its
 * connection is ended after once to twice as long.
 */
const stalledConnectionMs = 90_000;

await runService(
  'api',
  () => readApiConfig(process.env),
  async ({ config, logger, tracer, release }) => {
    const { database, pool, close } = openDatabase(config.DATABASE_URL, {
      poolSize: config.DATABASE_POOL_SIZE,
      name: 'nexus-api',
      logger,
    });
    release('database', close);
    const open = (purpose: RedisPurpose) => {
      const options = { name: `nexus-api-${purpose}`, cluster: config.REDIS_CLUSTER, logger };
      const connection = openRedis(config.REDIS_URL, purpose, options);
      release(`redis ${purpose}`, connection.close);
      return connection.redis;
    };
    const redis = open('commands');
    const subscriber = open('subscriber');
    await waitForRedis(redis, storeLimitMs).then(
      () => assertRedisFits(redis),
      () => logger.warn('redis is away: requests are stored and enqueued once it is back'),
    );
    const queues = traceQueues(openInvocationQueues(redis, logger), tracer);
    release('queues', queues.close);

    const access = await openAccess({
      database,
      redis,
      subscriber,
      logger,
      mode: config.NEXUS_AUTH,
      secrets: config.NEXUS_SECRETS,
    });
    release('access', async () => access.close());
    await atMost(storeLimitMs, assertRingComplete(database, access.ring), null).catch((error: unknown) => {
      if (!isDatabaseUnavailable(error)) throw error;
      logger.warn('postgres is away: whether NEXUS_SECRETS has every secret that is needed was not checked');
    });
    const guard = createAddressGuard(config.ADDRESS_ALLOW_LIST);
    const outgoing = openGuardedFetch({ guard });
    release('outgoing connections', outgoing.close);
    const registry = createServiceRegistry({ pool, redis: { commands: redis, subscriber } });
    const metrics = createInvocationMetrics(registry);
    const stopping = new AbortController();
    const feeds = createConversationFeeds({
      ...createMissedSources(database, redis),
      subscriptions: createEventSubscriptions(subscriber),
      loadPossiblyMissed: (conversationIds) => loadPossiblyMissed(database, conversationIds),
      onError: (error) => logger.warn({ error }, 'a feed could not be repaired yet'),
      counters: createFeedMetrics(registry),
    });
    const { ADMIN_PASSWORD } = config;
    const board = ADMIN_PASSWORD === undefined ? null : await import('./admin/create-queue-board.ts');
    const app = createApp({
      database,
      redis,
      queues,
      feeds,
      appender: createEventAppender(redis, { onAppended: metrics.appended }),
      logger,
      tracer,
      registry,
      metrics,
      apiMetrics: createApiMetrics(registry, { database, queues }),
      access,
      guard,
      guardedFetch: outgoing.fetch,
      corsOrigins: config.CORS_ORIGINS,
      allowedHosts: config.ALLOWED_HOSTS,
      trustedProxies: config.TRUSTED_PROXIES,
      queueBoard:
        board && ADMIN_PASSWORD
          ? board.createQueueBoard(queues, { path: queueBoardPath, password: ADMIN_PASSWORD })
          : null,
      stopping: stopping.signal,
    });
    const server = createServer(
      {
        requestTimeout: 30_000,
        headersTimeout: 10_000,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: idleConnectionMs,
      },
      app,
    );
    server.setTimeout(stalledConnectionMs);
    release('http server', async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      stopping.abort();
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 2_000).unref();
      await closed;
    });
    const port = await listen(server, config.API_PORT, config.API_HOST, 'API_PORT');
    logger.info({ port, host: config.API_HOST }, 'api listens');
  },
);
