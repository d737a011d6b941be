import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { keepFramesWhole } from './keep-frames-whole.ts';

describe('keepFramesWhole', () => {
  it('gives every socket of a room the frame in one buffer, whatever its length', async () => {
    const http = createServer();
    const server = new Server(http, { transports: ['websocket'] });
    const namespace = server.of('/');
    keepFramesWhole(namespace);
    const frames: unknown[][] = [];
    const encoder = namespace.adapter as unknown as {
      _encode(packet: unknown, options: { wsPreEncodedFrame?: unknown[] }): unknown[];
    };
    const encode = encoder._encode;
    encoder._encode = (packet, options) => {
      const encoded = encode(packet, options);
      frames.push(options.wsPreEncodedFrame ?? []);
      return encoded;
    };
    server.on('connection', (socket) => void socket.join('room'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const client = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { transports: ['websocket'] });
    try {
      await new Promise((resolve) => client.once('connect', () => resolve(undefined)));
      for (const length of [1, 200, 70_000]) {
        const heard = new Promise((resolve) => client.once('said', resolve));
        server.to('room').emit('said', 'x'.repeat(length));
        expect(await heard).toBe('x'.repeat(length));
        expect(frames.at(-1)).toHaveLength(1);
      }
    } finally {
      client.close();
      await server.close();
    }
  });
});
