import { openDatabase } from '@nexus/common/postgres/open-database';
import { pingDatabase } from '@nexus/common/postgres/ping-database';
import { createServiceRegistry } from '@nexus/common/process/create-service-registry';
import { runService } from '@nexus/common/process/run-service';
import { createHealthServer, listen } from '@nexus/common/process/serve-health';
import { openInvocationQueues } from '@nexus/common/queue/invocation-queue';
import { traceQueues } from '@nexus/common/queue/trace-queues';
import { assertRedisFits } from '@nexus/common/redis/assert-redis-fits';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import { pingRedis } from '@nexus/common/redis/ping-redis';
import type { RedisPurpose } from '@nexus/common/redis/redis-options';
import { createSecretRing } from '@nexus/common/secrets/secret-ring';
import { assertRingComplete } from '@nexus/common/secrets/secret-uses';
import { liveness } from '@nexus/common/timing/liveness';
import { openWorker } from './open-worker.ts';
import { checkProviders } from './providers/check-providers.ts';
import { createProviders } from './providers/create-providers.ts';
import { toProviderConfig } from './providers/provider-config.ts';
import { readWorkerConfig } from './worker-config.ts';

await runService(
  'worker',
  () => readWorkerConfig(process.env),
  async ({ config, logger, tracer, release }) => {
    const { database, pool, close } = openDatabase(config.DATABASE_URL, {
      poolSize: config.DATABASE_POOL_SIZE,
      name: 'nexus-worker',
      logger,
    });
    release('database', close);
    await assertRingComplete(database, createSecretRing(config.NEXUS_SECRETS));
    const open = (purpose: RedisPurpose, name: string) => {
      const options = { name: `nexus-worker-${name}`, cluster: config.REDIS_CLUSTER, logger };
      const connection = openRedis(config.REDIS_URL, purpose, options);
      release(`redis ${name}`, connection.close);
      return connection.redis;
    };
    const redis = open('commands', 'commands');
    const queueRedis = open('blocking', 'queue');
    const subscriber = open('subscriber', 'nudges');
    await waitForRedis(redis, 10_000);
    await assertRedisFits(redis);
    const queues = traceQueues(openInvocationQueues(redis, logger), tracer);
    release('queues', queues.close);

    const registry = createServiceRegistry({ pool, redis: { commands: redis, queue: queueRedis, subscriber } });
    const providerConfig = toProviderConfig(config);
    const { providers, unconfigured } = createProviders(
      providerConfig,
      config.WORKER_PROVIDERS,
      tracer && { tracer, captureContent: config.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT },
    );
    const checks = new AbortController();
    release('provider checks', () => checks.abort());
    void checkProviders(providerConfig, providers.keys(), logger, checks.signal);
    const worker = await openWorker({
      database,
      databaseUrl: config.DATABASE_URL,
      redis,
      queueRedis,
      subscriber,
      queues,
      providers,
      unconfigured,
      concurrency: config.WORKER_CONCURRENCY,
      shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
      coalesceMaxMs: config.COALESCE_MAX_MS,
      registry,
      logger,
      tracer,
      release,
    });

    const server = createHealthServer(
      {
        database: () => pingDatabase(database),
        redis: () => pingRedis(redis),
        heartbeat: async () => {
          if (worker.lastBeatAgoMs() > liveness.lostLockMs)
            throw new Error(`no heartbeat for ${Math.round(worker.lastBeatAgoMs())} ms`);
        },
      },
      registry,
    );
    release('health server', () => server.close());
    const port = await listen(server, config.WORKER_PORT, config.WORKER_HOST, 'WORKER_PORT');
    logger.info({ port }, 'worker serves health');
  },
);
