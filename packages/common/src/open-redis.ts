import { Redis, type RedisOptions } from 'ioredis';
import { AppError } from './app-error.ts';
import type { Logger } from './create-logger.ts';

export type { Redis };

/**
 * `commands` fails fast while Redis is away, so that a caller can go on without it; `blocking` waits for ever, as BullMQ's
 * workers and subscribers need. Either reconnects by itself and has an error listener.
 */
export type RedisPurpose = 'commands' | 'blocking';

/** Half-open connections answer nothing and fail nothing: a ping that stays unanswered this long ends the connection. */
const pingEveryMs = 5_000;
const pingTimeoutMs = 5_000;

/** BullMQ lets its blocking call wait for up to 10 s: a connection that is silent for longer with a call pending is dead. */
const blockedTooLongMs = 13_000;

const optionsFor = {
  commands: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: 5_000,
    autoResendUnfulfilledCommands: false,
  },
  blocking: { maxRetriesPerRequest: null, enableOfflineQueue: true, socketTimeout: blockedTooLongMs },
} satisfies Record<RedisPurpose, RedisOptions>;

export function openRedis(
  url: string,
  purpose: RedisPurpose,
  options: { name: string; logger: Pick<Logger, 'warn' | 'info'> },
): { redis: Redis; close(): Promise<void> } {
  const redis = new Redis(url, {
    ...optionsFor[purpose],
    connectionName: options.name,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 1_000) * (0.75 + Math.random() / 2),
  });
  let away = false;
  redis.on('error', (error) => {
    if (!away) options.logger.warn({ error, connection: options.name }, 'redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) options.logger.info({ connection: options.name }, 'redis is back');
    away = false;
  });
  const watchdog = setInterval(() => void dropWhenSilent(redis), pingEveryMs).unref();
  return {
    redis,
    async close() {
      clearInterval(watchdog);
      redis.disconnect();
    },
  };
}

async function dropWhenSilent(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    timer = setTimeout(resolve, pingTimeoutMs, 'silent').unref();
  });
  const answer = await Promise.race([redis.ping().catch(() => 'error'), silence]);
  clearTimeout(timer);
  if (answer === 'silent' && redis.status === 'ready') redis.disconnect(true);
}

/** Refuses a Redis that cannot keep our promises: older than 7 (no `0-*` ids), or one that evicts keys when it is full. */
export async function assertRedisFits(redis: Redis): Promise<void> {
  const server = await redis.info('server');
  const version = /redis_version:(\d+)\.(\S+)/.exec(server);
  if (version && Number(version[1]) < 7) {
    throw new AppError(
      'configuration_invalid',
      `REDIS_URL: Redis ${version[1]}.${version[2]} is too old, 7 or newer is needed`,
    );
  }
  const policy = /maxmemory_policy:(\S+)/.exec(await redis.info('memory'))?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    throw new AppError(
      'configuration_invalid',
      `REDIS_URL: Redis has maxmemory-policy ${policy} and would drop jobs when full; set it to noeviction`,
    );
  }
}

/** Waits until the connection is ready; `redis_unavailable` after the limit. */
export async function waitForRedis(redis: Redis, limitMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => settle(new AppError('redis_unavailable', `REDIS_URL: no answer within ${limitMs} ms`)),
      limitMs,
    );
    const onReady = () => settle();
    function settle(error?: Error) {
      clearTimeout(timer);
      redis.off('ready', onReady);
      if (error) reject(error);
      else resolve();
    }
    redis.once('ready', onReady);
  });
}
