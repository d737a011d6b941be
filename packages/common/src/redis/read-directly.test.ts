import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { readDirectly } from './read-directly.ts';

const pieces = 20;

it('gives ioredis each piece without a read from the stream, which it needs otherwise', async () => {
  const server = createServer((socket) => socket.on('data', () => socket.write('+OK\r\n'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function countReads(prepare: (redis: Redis) => void): Promise<number> {
    const redis = new Redis({ port, enableReadyCheck: false, disableClientInfo: true, protocol: 2 });
    try {
      prepare(redis);
      await once(redis, 'ready');
      const { stream } = redis as unknown as { stream: Readable };
      let reads = 0;
      const read = stream.read.bind(stream);
      stream.read = (size) => {
        reads += 1;
        return read(size);
      };
      for (let at = 0; at < pieces; at += 1) expect(await redis.get('a')).toBe('OK');
      return reads;
    } finally {
      redis.disconnect();
    }
  }

  try {
    expect(await countReads(readDirectly)).toBeLessThanOrEqual(pieces); // the remaining reads are those of Node that read ahead
    expect(await countReads(() => {})).toBeGreaterThan(pieces);
  } finally {
    server.close();
  }
});
