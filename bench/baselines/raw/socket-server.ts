import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { reportMemory } from '../../idle/report-memory.ts';
import { serveCalls } from '../../processes/serve-calls.ts';

/** Socket.IO and nothing else: rooms, and a socket that says what is to be broadcast. */
const server = createServer();
const io = new Server(server, { serveClient: false });

io.on('connection', (socket) => {
  socket.on('join', (room: string, acknowledge: (answer: { data: null }) => void) => {
    socket.join(room);
    acknowledge({ data: null });
  });
  socket.on('publish', (room: string, event: unknown) => {
    io.to(room).emit('invocation:event', event);
  });
});

server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  serveCalls({ url }, { memory: reportMemory });
});
