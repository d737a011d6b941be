import { Cluster, type Redis } from 'ioredis';
import { toRedisNodes } from '../config/redis-urls.ts';
import type { OpenRedisOptions, RedisConnection } from './redis-connection.ts';
import { clusterOptionsOf, connectTimeoutMs, optionsOf, type RedisPurpose, reconnectDelayMs } from './redis-options.ts';
import { watchSilence } from './watch-silence.ts';

/** How often to read the map of slots, so that moved slots are noticed without traffic to them. */
const slotsRefreshMs = 5_000;
const slotsTimeoutMs = 2_000;

/** A client of a Redis Cluster. The URL names one or several nodes. The client learns the others from any of them. */
export function openRedisCluster(
  url: string,
  purpose: Exclude<RedisPurpose, 'subscriber'>,
  { name, logger }: OpenRedisOptions,
): RedisConnection<Cluster> {
  const { nodes, access } = toRedisNodes(url);
  // The cluster's client owns the connections to nodes, and decides about their offline queues and reconnects.
  const { enableOfflineQueue: _, ...perConnection } = optionsOf[purpose];
  const redis = new Cluster(nodes, {
    ...clusterOptionsOf[purpose],
    slotsRefreshInterval: slotsRefreshMs,
    slotsRefreshTimeout: slotsTimeoutMs,
    clusterRetryStrategy: reconnectDelayMs,
    // Do not resolve names: a certificate has the name, and its address may change.
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
   * Connects to all nodes before a command needs them, because a command during a handshake fails fast. Only when the cluster is ready: before that
   * ioredis itself uses an unconnected node to ask for the cluster's state. A command that has already found its node goes first.
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
 * The connections to the nodes that own slots. null is an owner without a connection: the cluster's client drops a lost connection until a command
 * needs it.
 */
export function ownersOf(redis: Cluster): (Redis | null)[] {
  const known = new Map(redis.nodes().map((node) => [addressOf(node), node]));
  const owners = new Set(redis.slots.map(([owner]) => owner));
  return [...owners].map((owner) => (owner === undefined ? null : (known.get(owner) ?? null)));
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}
