import type { ClusterOptions, RedisOptions } from 'ioredis';

/**
 * `commands` fails fast while Redis is away, so that a caller can go on without it; `blocking`, for BullMQ's workers, and
 * `subscriber` wait for ever.
 */
export type RedisPurpose = 'commands' | 'blocking' | 'subscriber';

export const connectTimeoutMs = 5_000;

/** How long a command of a `commands` connection waits for its answer before it fails. */
export const commandTimeoutMs = 5_000;

/** BullMQ lets its blocking call wait for up to 10 s: a connection that is silent for longer with a call pending is dead. */
const blockedTooLongMs = 13_000;

/** Redis that loads its file says how long that takes, mostly far too much; ioredis would ask it again after as long, or ten seconds. */
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

/** What ioredis does on its own when a node is gone or the cluster is down: nothing, or the same again until it is back. */
export const clusterOptionsOf = {
  commands: { enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 },
  blocking: {
    enableOfflineQueue: true,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnMoved: 50, // without it a redirection that leads back and forth would turn without a pause
    maxRedirections: Number.POSITIVE_INFINITY,
  },
} satisfies Record<Exclude<RedisPurpose, 'subscriber'>, ClusterOptions>;

export function reconnectDelayMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 1_000) * (0.75 + Math.random() / 2);
}
