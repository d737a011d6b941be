import { Cluster, Redis as SingleRedis } from 'ioredis';
import { toRedisNodes } from '../config/redis-urls.ts';
import { AppError } from '../errors/app-error.ts';
import { createPrimaryConnector, isReplicaRefusal, leaveReplica } from './leave-replica.ts';
import { openRedisCluster } from './open-redis-cluster.ts';
import type { OpenRedisOptions, Redis, RedisConnection } from './redis-connection.ts';
import { connectTimeoutMs, optionsOf, type RedisPurpose, reconnectDelayMs } from './redis-options.ts';
import { watchSilence } from './watch-silence.ts';
import { writeTogether } from './write-together.ts';

/**
 * Opens a connection that reconnects by itself. It also notices a half-open connection, and one that stayed on a node that is no longer the
 * primary.
 */
export function openRedis(url: string, purpose: RedisPurpose, options: OpenRedisOptions): RedisConnection {
  if (!options.cluster) return openSingle(url, purpose, options);
  return purpose === 'subscriber' ? openAnyNode(url, options) : openRedisCluster(url, purpose, options);
}

function openSingle(url: string, purpose: RedisPurpose, options: OpenRedisOptions): RedisConnection {
  const onReplica = (error = new Error('READONLY the address leads to a replica')) => void redis.emit('error', error);
  const redis: SingleRedis = new SingleRedis(url, {
    ...optionsOf[purpose],
    connectionName: options.name,
    connectTimeout: connectTimeoutMs,
    retryStrategy: reconnectDelayMs,
    Connector: createPrimaryConnector(onReplica),
    reconnectOnError(error) {
      if (!isReplicaRefusal(error)) return false;
      onReplica(error);
      return purpose === 'commands' ? 1 : 2; // 2: also send the refused command again, which had no effect, when there is a primary
    },
  });
  const stopLooking = leaveReplica(redis);
  const connection = attend(redis, options);
  return {
    redis,
    async close() {
      stopLooking();
      await connection.close();
    },
  };
}

/**
 * Every node of a cluster delivers what is published on any node. So a subscriber is a plain connection to one node of the URL, and goes to the next
 * one when it breaks. ioredis' cluster client would replace its subscriber without an event, and readers would not know that they must look for
 * missed events.
 */
function openAnyNode(url: string, options: OpenRedisOptions): RedisConnection {
  const { nodes, access } = toRedisNodes(url);
  let turn = Math.floor(Math.random() * nodes.length);
  const redis = new SingleRedis({
    ...nodes[turn],
    ...access,
    ...optionsOf.subscriber,
    connectionName: options.name,
    connectTimeout: connectTimeoutMs,
    retryStrategy(times) {
      turn = (turn + 1) % nodes.length;
      Object.assign(redis.options, nodes[turn]); // ioredis reads the options at each connect
      return reconnectDelayMs(times);
    },
  });
  return attend(redis, options);
}

function attend(redis: SingleRedis, { name, logger }: OpenRedisOptions): RedisConnection {
  let away = false;
  redis.on('error', (error) => {
    if (!away) logger.warn({ error, connection: name }, 'redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger.info({ connection: name }, 'redis is back');
    away = false;
  });
  writeTogether(redis);
  const stopWatching = watchSilence(() => [redis]);
  return {
    redis,
    async close() {
      stopWatching();
      redis.disconnect();
    },
  };
}

/**
 * Waits until the connection is ready; in a cluster, the connection to each node that can be reached. Rejects with `redis_unavailable` after the
 * limit; the cause is the last error of the connection.
 */
export async function waitForRedis(redis: Redis, limitMs: number): Promise<void> {
  if (redis.status !== 'ready') await untilReady(redis, limitMs);
  if (redis instanceof Cluster) await Promise.allSettled(redis.nodes().map((node) => node.ping()));
}

function untilReady(redis: Redis, limitMs: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let lastError: Error | undefined;
    const timer = setTimeout(() => settle(unavailable(limitMs, lastError)), limitMs);
    const onReady = () => settle();
    const onError = (error: Error & { lastNodeError?: Error }) => {
      lastError = error.lastNodeError ?? error;
    };
    function settle(error?: Error) {
      clearTimeout(timer);
      redis.off('ready', onReady);
      redis.off('error', onError);
      if (error) reject(error);
      else resolve();
    }
    redis.once('ready', onReady);
    redis.on('error', onError);
  });
}

function unavailable(limitMs: number, lastError: Error | undefined): AppError {
  const reason = lastError?.message ? ` (${lastError.message})` : '';
  return new AppError('redis_unavailable', `REDIS_URL: no answer within ${limitMs} ms${reason}`, { cause: lastError });
}
