import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestRedis } from '../../../../tests/support/open-test-redis.ts';
import { expireCommands } from './expire-commands.ts';
import { openRedis, waitForRedis } from './open-redis.ts';
import { commandTimeoutMs } from './redis-options.ts';

const limitMs = 600;

describe('expireCommands', () => {
  const server = createServer(); // accepts connections, and sends only what the test wants
  let socket: Socket;
  let redis: Redis;
  let stop: () => void;

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connected = once(server, 'connection');
    redis = new Redis({ port, enableReadyCheck: false, disableClientInfo: true, protocol: 2 });
    [socket] = await connected;
    stop = expireCommands(redis, limitMs);
    await once(redis, 'ready');
  });

  afterEach(async () => {
    stop();
    redis.disconnect();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  const outcomes = async (commands: Promise<unknown>[]) =>
    (await Promise.allSettled(commands)).map((each) =>
      each.status === 'fulfilled' ? each.value : String(each.reason),
    );

  it('rejects everything that waits, not before the limit, and takes a late answer for what it answers', async () => {
    const startedAt = performance.now();
    const [first, second] = [redis.get('a'), redis.get('b')];
    expect(await outcomes([first, second])).toEqual(Array(2).fill('Error: Command timed out'));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(limitMs - 1);

    const third = redis.get('c');
    socket.write('+late\r\n+late\r\n+third\r\n');
    expect(await third).toBe('third');
  });

  it('leaves what was sent later, and what is answered', async () => {
    const answered = redis.get('a');
    socket.write('+a\r\n');
    expect(await answered).toBe('a');
    const silent = redis.get('b');
    await sleep(limitMs / 2);
    const later = redis.get('c');
    expect(await outcomes([silent])).toEqual(['Error: Command timed out']);
    socket.write('+late\r\n+c\r\n');
    expect(await later).toBe('c');
  });

  it('takes a connection that was made anew for another', async () => {
    const again = once(server, 'connection');
    const before = redis.get('a');
    await sleep(limitMs / 2);
    socket.destroy(); // the client sends waiting commands again on the next connection
    [socket] = await again;
    const after = redis.get('b');
    await sleep((limitMs * 2) / 3); // past the limit since the first send, but not since the second
    socket.write('+a\r\n+b\r\n');
    expect(await outcomes([before, after])).toEqual(['a', 'b']);
  });

  it('rejects nothing any more once it is stopped', async () => {
    const silent = redis.get('a');
    stop();
    await sleep(limitMs * 1.5);
    socket.write('+a\r\n');
    expect(await silent).toBe('a');
  });
});

it('is what ends the commands of a connection for commands', { timeout: 20_000 }, async () => {
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
