import { expect, it } from 'vitest';
import type { Redis } from '../redis/redis-connection.ts';
import { type LimitSettings, openLimits } from './open-limits.ts';

const redis = { status: 'end', defineCommand() {} } as unknown as Redis;

function limitsOf(settings: Partial<LimitSettings>, perMinute = 60) {
  const limits = openLimits(
    redis,
    { NEXUS_AUTH: 'keys', MAX_STREAMS_PER_KEY: 1, ...settings },
    { name: 'key', perMinute },
  );
  limits.close();
  return {
    key: limits.keyRate?.perMinute,
    address: limits.addressRate?.perMinute,
    openPerKey: limits.openPerKey !== null,
    openPerAddress: limits.openPerAddress !== null,
  };
}

it.each<[string, Partial<LimitSettings>, ReturnType<typeof limitsOf>]>([
  ['keys', { NEXUS_AUTH: 'keys' }, { key: 60, address: 120, openPerKey: true, openPerAddress: true }],
  ['nobody needs one', { NEXUS_AUTH: 'off' }, { key: 60, address: undefined, openPerKey: true, openPerAddress: false }],
  [
    'nobody needs one, and limits are set',
    { NEXUS_AUTH: 'off', RATE_LIMIT_ANONYMOUS_PER_MINUTE: 5, MAX_STREAMS_PER_ADDRESS: 5 },
    { key: 60, address: 5, openPerKey: true, openPerAddress: true },
  ],
  [
    'keys, and limits are off',
    { RATE_LIMIT_ANONYMOUS_PER_MINUTE: 0, MAX_STREAMS_PER_ADDRESS: 0, MAX_STREAMS_PER_KEY: 0 },
    { key: 60, address: undefined, openPerKey: false, openPerAddress: false },
  ],
])('has limits that fit the mode: %s', (_mode, settings, expected) => {
  expect(limitsOf(settings)).toEqual(expected);
});

it('has no rate of 0', () => {
  expect(limitsOf({}, 0).key).toBeUndefined();
});
