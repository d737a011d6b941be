import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { expect, it } from 'vitest';
import { disconnectUnread } from './disconnect-unread.ts';

const limits = { packets: 1, bytes: 1 };

it.each(['websocket', 'polling'] as const)(
  'finds the connections of Socket.IO over %s, and ends one for which far too much waits',
  async (transport) => {
    const http = createServer();
    const server = new Server(http);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const client = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, {
      transports: [transport],
      reconnection: false,
    });
    const left = new Promise((resolve) => client.once('disconnect', resolve));
    try {
      await new Promise<void>((resolve) => client.once('connect', () => resolve()));
      expect(disconnectUnread(server, limits)).toBe(0);
      const [socket] = await server.fetchSockets();
      for (let packets = 0; packets < 20_000; packets += 1) socket?.emit('said', 'x');
      expect(disconnectUnread(server, limits)).toBe(1);
      await left;
      expect(disconnectUnread(server, limits)).toBe(0);
    } finally {
      client.close();
      await server.close();
    }
  },
);
