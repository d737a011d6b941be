import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expireCommands } from './expire-commands.ts';

const limitMs = 200;

describe('expireCommands', () => {
  const server = createServer(); // takes connections, and says only what it is told to
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
});
