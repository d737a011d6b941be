import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type ProxyFault = {
  /** Milliseconds that every piece is late, either way. */
  delayMs?: number;
  /** Every byte is a write of its own. */
  slices?: boolean;
  /** Nothing is passed on, nothing is closed: a half-open connection. */
  silent?: boolean;
  /** What is asked arrives, and its answer does not. */
  mute?: boolean;
};

export type FaultyProxy = {
  port: number;
  set(fault: ProxyFault): void;
  /** Where new connections go from now on. */
  target(port: number): void;
  /** Whatever is connected now never hears anything again, and is not closed: as when an address is gone. */
  strand(): void;
  /** Breaks every connection there is. */
  cut(): void;
  connections(): number;
  close(): Promise<void>;
};

/** A TCP proxy on loopback that can be told to misbehave. */
export async function openProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  const stranded = new WeakSet<Socket>();
  let fault: ProxyFault = {};
  let to = targetPort;

  const server = createServer((inner) => {
    const outer = connect(to, '127.0.0.1');
    for (const [from, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      const pass = createPipe(from, other, from === outer);
      from.on('data', pass);
      from.on('error', () => other.destroy());
      from.on('close', () => {
        sockets.delete(from);
        other.destroy();
      });
    }
  });

  function createPipe(from: Socket, other: Socket, answers: boolean): (chunk: Buffer) => void {
    let last = Promise.resolve();
    return (chunk) => {
      if (fault.silent || (fault.mute && answers) || stranded.has(from)) return;
      const { delayMs = 0, slices = false } = fault;
      const dueAt = performance.now() + delayMs;
      last = last.then(async () => {
        const waitMs = dueAt - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (!slices) return void other.write(chunk);
        for (const byte of chunk) other.write(Uint8Array.of(byte));
      });
    };
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    set: (next) => {
      fault = next;
    },
    target: (port) => {
      to = port;
    },
    strand: () => {
      for (const socket of sockets) stranded.add(socket);
    },
    cut,
    connections: () => sockets.size / 2,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
