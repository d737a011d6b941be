import { Cluster, type Redis } from 'ioredis';
import { toRedisNodes } from '../config/redis-urls.ts';
import type { OpenRedisOptions, RedisConnection } from './redis-connection.ts';
import { clusterOptionsOf, connectTimeoutMs, optionsOf, type RedisPurpose, reconnectDelayMs } from './redis-options.ts';
import { watchSilence } from './watch-silence.ts';

/** How soon slots that moved without anybody asking for them are noticed. */
const slotsRefreshMs = 5_000;
const slotsTimeoutMs = 2_000;

/** A client of a Redis Cluster. The URL names one or several nodes, from any of which the others are learnt. */
export function openRedisCluster(
  url: string,
  purpose: Exclude<RedisPurpose, 'subscriber'>,
  { name, logger }: OpenRedisOptions,
): RedisConnection<Cluster> {
  const { nodes, access } = toRedisNodes(url);
  // A node's connection belongs to the cluster's client, which decides about its offline queue and its replacement.
  const { enableOfflineQueue: _, ...perConnection } = optionsOf[purpose];
  const redis = new Cluster(nodes, {
    ...clusterOptionsOf[purpose],
    slotsRefreshInterval: slotsRefreshMs,
    slotsRefreshTimeout: slotsTimeoutMs,
    clusterRetryStrategy: reconnectDelayMs,
    // Names stay names: a certificate is made out to one, and what it stands for may change.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: {
      ...access,
      ...perConnection,
      connectionName: name,
      connectTimeout: connectTimeoutMs,
    },
  });
  const away = new Set<string>();
  const noteAway = (error: Error, node: string) => {
    if (!away.has(node)) logger.warn({ error, connection: name, node }, 'redis is away');
    away.add(node);
  };
  const noteBack = (node: string) => {
    if (away.delete(node)) logger.info({ connection: name, node }, 'redis is back');
  };
  redis.on('error', (error: Error & { lastNodeError?: Error }) => noteAway(error.lastNodeError ?? error, 'cluster'));
  redis.on('node error', noteAway);
  redis.on('ready', () => noteBack('cluster'));
  redis.on('+node', (node: Redis) => {
    node.on('ready', () => noteBack(addressOf(node)));
    setImmediate(connectAll);
  });
  redis.on('ready', connectAll);

  /**
   * Before it is needed: what comes while a node's connection is being made fails fast. Not before the cluster is ready, since
   * ioredis asks a node that was not connected to yet whether it is. A command for which a node was found goes before this.
   */
  function connectAll(): void {
    if (redis.status !== 'ready') return;
    for (const node of redis.nodes()) if (node.status === 'wait') node.connect().catch(() => {});
  }
  const stopWatching = watchSilence(() => redis.nodes());
  return {
    redis,
    async close() {
      stopWatching();
      redis.disconnect();
    },
  };
}

/**
 * The connections to the nodes that own slots. null stands for an owner that cannot be reached: the cluster's client forgets a
 * lost connection until somebody needs it again.
 */
export function ownersOf(redis: Cluster): (Redis | null)[] {
  const known = new Map(redis.nodes().map((node) => [addressOf(node), node]));
  const owners = new Set(redis.slots.map(([owner]) => owner));
  return [...owners].map((owner) => (owner === undefined ? null : (known.get(owner) ?? null)));
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}
