import type { Redis } from '../redis/redis-connection.ts';
import { createOpenAtOnce, type OpenAtOnce } from './open-at-once.ts';
import { countInRedis, createRateLimit, type RateLimit } from './rate-limit.ts';

/** What callers may use, by the id of their key or by their address where they show none. null: there is no limit. */
export type Limits = {
  keyRate: RateLimit | null;
  addressRate: RateLimit | null;
  openPerKey: OpenAtOnce | null;
  openPerAddress: OpenAtOnce | null;
  close(): void;
};

/** `undefined`: as is sensible for the mode. */
export type LimitSettings = {
  NEXUS_AUTH: 'keys' | 'off';
  RATE_LIMIT_ANONYMOUS_PER_MINUTE?: number | undefined;
  MAX_STREAMS_PER_KEY: number;
  MAX_STREAMS_PER_ADDRESS?: number | undefined;
};

/** Where callers need a key; with NEXUS_AUTH=off everybody is without one, and there is no limit unless one is set. */
const standardAnonymous = { perMinute: 120, open: 1_000 };

/** `keyRate` is the rate that counts for keys in this service. */
export function openLimits(
  redis: Redis,
  settings: LimitSettings,
  keyRate: { name: string; perMinute: number },
): Limits {
  const standard = settings.NEXUS_AUTH === 'off' ? { perMinute: 0, open: 0 } : standardAnonymous;
  const ofKey = openRate(redis, keyRate.name, keyRate.perMinute);
  const ofAddress = openRate(redis, 'address', settings.RATE_LIMIT_ANONYMOUS_PER_MINUTE ?? standard.perMinute);
  return {
    keyRate: ofKey,
    addressRate: ofAddress,
    openPerKey: places('key', settings.MAX_STREAMS_PER_KEY),
    openPerAddress: places('address', settings.MAX_STREAMS_PER_ADDRESS ?? standard.open),
    close() {
      ofKey?.close();
      ofAddress?.close();
    },
  };
}

function openRate(redis: Redis, name: string, perMinute: number): RateLimit | null {
  return perMinute === 0 ? null : createRateLimit({ name, perMinute, count: countInRedis(redis, name) });
}

function places(name: string, max: number): OpenAtOnce | null {
  return max === 0 ? null : createOpenAtOnce(name, max);
}
