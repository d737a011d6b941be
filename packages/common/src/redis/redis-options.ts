import type { ClusterOptions, RedisOptions } from 'ioredis';

/**
 * `commands` fails fast while Redis is away, so that its caller can continue without Redis. `blocking` (for BullMQ's workers) and `subscriber` wait
 * for ever.
 */
export type RedisPurpose = 'commands' | 'blocking' | 'subscriber';

export const connectTimeoutMs = 5_000;

/** How long a command of a `commands` connection waits for its answer before it fails. */
export const commandTimeoutMs = 5_000;

/** BullMQ's blocking call waits up to 10 s. If a connection with a pending call is silent for longer, it is dead. */
const blockedTooLongMs = 13_000;

/** While Redis loads its file it estimates the remaining time, mostly far too high. ioredis would wait that long, or ten seconds. */
const loadingCheckMs = 250;

const waiting = {
  maxLoadingRetryTime: loadingCheckMs,
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  socketTimeout: blockedTooLongMs,
};

export const optionsOf = {
  commands: {
    maxLoadingRetryTime: loadingCheckMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
  },
  blocking: waiting,
  subscriber: waiting,
} satisfies Record<RedisPurpose, RedisOptions>;

/** What ioredis does if a node is gone or the cluster is down: fail at once, or try again until it is back. */
export const clusterOptionsOf = {
  commands: { enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 },
  blocking: {
    enableOfflineQueue: true,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnMoved: 50, // without a delay, two nodes that redirect to each other would cause a busy loop
    maxRedirections: Number.POSITIVE_INFINITY,
  },
} satisfies Record<Exclude<RedisPurpose, 'subscriber'>, ClusterOptions>;

export function reconnectDelayMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 1_000) * (0.75 + Math.random() / 2);
}
