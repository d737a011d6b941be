import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { serveCalls } from '../../processes/serve-calls.ts';

const publisher = new Redis(process.env.REDIS_URL ?? '');
const server = createServer();
const io = new Server(server, { adapter: createAdapter(publisher, publisher.duplicate()) });

io.on('connection', (socket) => {
  socket.on('join', (conversationId: string, acknowledge: () => void) => {
    socket.join(conversationId);
    acknowledge();
  });
});

server.listen(0, '127.0.0.1', () => {
  serveCalls({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
