import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { openTestRedis } from '../../../../tests/support/open-test-redis.ts';
import { openRedis, waitForRedis } from './open-redis.ts';
import { commandTimeoutMs } from './redis-options.ts';

it('rejects the commands of a connection for commands that Redis does not answer', { timeout: 20_000 }, async () => {
  const server = await openTestRedis();
  const { redis, close } = openRedis(server.url, 'commands', { name: 'test', logger: { warn() {}, info() {} } });
  const other = new Redis(server.url);
  try {
    await waitForRedis(redis, 5_000);
    await other.client('PAUSE', 2 * commandTimeoutMs, 'ALL');
    const startedAt = performance.now();
    await expect(redis.get('a')).rejects.toThrow('Command timed out');
    expect(performance.now() - startedAt).toBeLessThan(1.5 * commandTimeoutMs);
  } finally {
    other.disconnect();
    await close();
    await server.close();
  }
});
