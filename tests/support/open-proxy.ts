import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type ProxyFault = {
  /** Delays every chunk by this many milliseconds, in both directions. */
  delayMs?: number;
  /** Writes every byte separately. */
  slices?: boolean;
  /** Passes nothing on and closes nothing: a half-open connection. */
  silent?: boolean;
  /** Passes requests on, and drops their answers. */
  mute?: boolean;
};

export type FaultyProxy = {
  port: number;
  set(fault: ProxyFault): void;
  /** Sends new connections to this port from now on. */
  target(port: number): void;
  /** Open connections carry nothing from now on, and are not closed: as if their address were gone. */
  strand(): void;
  /** Breaks every open connection. */
  cut(): void;
  connections(): number;
  close(): Promise<void>;
};

/** A TCP proxy on loopback that can cause faults. */
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
