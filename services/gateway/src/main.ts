import { createEventAppender } from '@nexus/common/events/append-events';
import { createConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { createEventSubscriptions } from '@nexus/common/feeds/event-subscriptions';
import { createFeedMetrics } from '@nexus/common/feeds/feed-metrics';
import { loadPossiblyMissed } from '@nexus/common/feeds/load-possibly-missed';
import { createMissedSources } from '@nexus/common/feeds/read-missed';
import { createInvocationMetrics } from '@nexus/common/invocations/invocation-metrics';
import { openDatabase } from '@nexus/common/postgres/open-database';
import { openAccess } from '@nexus/common/principals/open-access';
import { createServiceRegistry } from '@nexus/common/process/create-service-registry';
import { runService } from '@nexus/common/process/run-service';
import { listen } from '@nexus/common/process/serve-health';
import { openInvocationQueues } from '@nexus/common/queue/invocation-queue';
import { assertRedisFits } from '@nexus/common/redis/assert-redis-fits';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import type { RedisPurpose } from '@nexus/common/redis/redis-options';
import { createGateway } from './create-gateway.ts';
import { readGatewayConfig } from './gateway-config.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';

/** How many bytes may wait for one client. There is also a limit in packets. */
const bufferBytes = 4 * 1_048_576;

await runService(
  'gateway',
  () => readGatewayConfig(process.env),
  async ({ config, logger, release }) => {
    const { database, pool, close } = openDatabase(config.DATABASE_URL, {
      poolSize: config.DATABASE_POOL_SIZE,
      name: 'nexus-gateway',
      logger,
    });
    release('database', close);
    const open = (purpose: RedisPurpose) => {
      const options = { name: `nexus-gateway-${purpose}`, cluster: config.REDIS_CLUSTER, logger };
      const connection = openRedis(config.REDIS_URL, purpose, options);
      release(`redis ${purpose}`, connection.close);
      return connection.redis;
    };
    const redis = open('commands');
    const subscriber = open('subscriber');
    await waitForRedis(redis, 10_000);
    await assertRedisFits(redis);
    const queues = openInvocationQueues(redis, logger);
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
    const registry = createServiceRegistry({ pool, redis: { commands: redis, subscriber } });
    const metrics = createInvocationMetrics(registry);
    const feeds = createConversationFeeds({
      ...createMissedSources(database, redis),
      subscriptions: createEventSubscriptions(subscriber),
      loadPossiblyMissed: (conversationIds) => loadPossiblyMissed(database, conversationIds),
      onError: (error) => logger.warn({ error }, 'a feed could not be repaired yet'),
      counters: createFeedMetrics(registry),
    });
    release('feeds', feeds.close);
    const gateway = createGateway({
      database,
      redis,
      queues,
      appender: createEventAppender(redis, { onAppended: metrics.appended }),
      feeds,
      logger,
      registry,
      metrics,
      gatewayMetrics: createGatewayMetrics(registry),
      authenticator: access.authenticator,
      corsOrigins: config.CORS_ORIGINS,
      allowedHosts: config.ALLOWED_HOSTS,
      bufferLimits: { packets: config.GATEWAY_WRITE_BUFFER_LIMIT, bytes: bufferBytes },
    });
    release('sockets', gateway.close);
    const port = await listen(gateway.server, config.GATEWAY_PORT, config.GATEWAY_HOST, 'GATEWAY_PORT');
    logger.info({ port, host: config.GATEWAY_HOST }, 'gateway listens');
  },
);
