import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The reply to a call: bytes in pieces, each in a write of its own. */
export type Reply = {
  status?: number;
  headers?: Record<string, string>;
  pieces?: (string | Uint8Array)[];
  /** What follows the last piece. `hang` keeps the connection open, `reset` breaks it. */
  after?: 'end' | 'hang' | 'reset';
  /** Not even the headers are sent. */
  silent?: boolean;
};

export type WireCall = {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
  closed: Promise<void>;
};

export type WireServer = {
  url: string;
  calls: WireCall[];
  /** The replies to the next calls, in order. The last one is for all later calls. */
  reply(...replies: Reply[]): void;
  close(): Promise<void>;
};

/** A server that answers with exactly these bytes, in exactly these pieces. */
export async function openWireServer(): Promise<WireServer> {
  const calls: WireCall[] = [];
  let next: Reply[] = [];
  const server = createServer(async (request, response) => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url: path = '' } = request;
    calls.push({ method, path, headers: request.headers, body: JSON.parse(body || '{}'), closed });
    const {
      status = 200,
      headers = { 'content-type': 'text/event-stream' },
      pieces = [],
      after = 'end',
      silent = false,
    } = (next.length > 1 ? next.shift() : next[0]) ?? {};
    if (silent) return;
    response.writeHead(status, headers);
    response.flushHeaders();
    for (const piece of pieces) {
      if (response.destroyed) return;
      response.write(piece);
      await new Promise((resolve) => setImmediate(resolve)); // a write of its own, not joined with the next
    }
    if (after === 'end') response.end();
    if (after === 'reset') request.socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    reply: (...replies) => {
      next = replies;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Cuts the text into single bytes, so also within characters, lines and events. */
export function oneByteSlices(text: string): Uint8Array[] {
  return [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
}
