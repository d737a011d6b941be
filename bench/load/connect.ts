import { io, type Socket } from 'socket.io-client';

/** A Socket.IO client over WebSocket, connected. */
export async function connect(url: string): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

/** Calls `each` for `size` items at a time, so that a crowd of handshakes does not time out. */
export async function inBatches<In, Out>(items: In[], size: number, each: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (let start = 0; start < items.length; start += size)
    results.push(...(await Promise.all(items.slice(start, start + size).map(each))));
  return results;
}
