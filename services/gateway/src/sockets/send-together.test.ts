import { createServer } from 'node:http';
import type { AddressInfo, Socket as Connection } from 'node:net';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { sendTogether } from './send-together.ts';

/** How many pieces each write to the connection had. */
function watchWrites(connection: Connection): number[] {
  const writes: number[] = [];
  const { _write, _writev } = connection;
  connection._write = (...piece) => {
    writes.push(1);
    _write.apply(connection, piece);
  };
  connection._writev = (pieces, done) => {
    writes.push(pieces.length);
    _writev?.call(connection, pieces, done);
  };
  return writes;
}

describe('sendTogether', () => {
  it.each([{ transports: ['websocket'] }, { transports: ['polling', 'websocket'] }])(
    'writes what waits for a socket at once, in order, over $transports',
    async ({ transports }) => {
      const http = createServer();
      const server = new Server(http);
      sendTogether(server);
      server.on('connection', (socket) => {
        socket.join('room');
        socket.on('ready', () => {
          const { transport } = socket.conn as unknown as { transport: { socket: { _socket: Connection } } };
          const writes = watchWrites(transport.socket._socket);
          for (let at = 1; at <= 20; at += 1) server.to('room').emit('said', at);
          socket.once('heard', (acknowledge: (writes: number[]) => void) => acknowledge([...writes]));
        });
      });
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      const client = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { transports });
      try {
        const said: number[] = [];
        const heard = new Promise<void>((resolve) => {
          client.on('said', (at: number) => {
            if (said.push(at) === 20) resolve();
          });
        });
        await new Promise<void>((resolve) => client.once('connect', () => resolve()));
        if (client.io.engine.transport.name === 'polling')
          await new Promise<void>((resolve) => client.io.engine.once('upgrade', () => resolve()));
        client.emit('ready');
        await heard;
        const writes: number[] = await client.emitWithAck('heard');
        expect(said).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
        expect(writes.reduce((sum, pieces) => sum + pieces, 0)).toBeGreaterThanOrEqual(20);
        expect(writes.length).toBeLessThanOrEqual(2);
      } finally {
        client.close();
        await server.close();
      }
    },
  );
});
