import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { writeTogether } from './write-together.ts';

const commands = 20;

it('writes the commands of one turn at once, which ioredis does not', async () => {
  const server = createServer((socket) => {
    socket.on('data', (data) => socket.write('+OK\r\n'.repeat(String(data).split('*2\r\n').length - 1)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  /** How many writes carried the commands, and how often the command was handed to `sendCommand`. */
  async function countWrites(prepare: (redis: Redis) => void): Promise<{ writes: number; sent: number }> {
    const redis = new Redis({ port, enableReadyCheck: false, disableClientInfo: true, protocol: 2 });
    let sent = 0;
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, stream) => {
      sent += 1;
      return send(command, stream);
    };
    try {
      prepare(redis);
      await once(redis, 'ready');
      const { stream } = redis as unknown as { stream?: Writable };
      if (!stream) throw new Error('ioredis keeps its connection elsewhere');
      let writes = 0;
      const { _write, _writev } = stream;
      stream._write = (...piece) => {
        writes += 1;
        _write.apply(stream, piece);
      };
      stream._writev = (pieces, done) => {
        writes += 1;
        _writev?.call(stream, pieces, done);
      };
      sent = 0;
      const answers = await Promise.all(Array.from({ length: commands }, () => redis.get('a')));
      expect(answers).toEqual(Array(commands).fill('OK'));
      return { writes, sent };
    } finally {
      redis.disconnect();
    }
  }

  try {
    expect(await countWrites(writeTogether)).toEqual({ writes: 1, sent: commands });
    expect((await countWrites(() => {})).writes).toBeGreaterThan(1);
  } finally {
    server.close();
  }
});
