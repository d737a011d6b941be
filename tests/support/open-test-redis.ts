import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalRedis, openLocalRedis } from '../../scripts/local-stack/open-local-redis.ts';

export type TestRedis = {
  url: string;
  /** Stops the server and keeps its port. */
  stop(): Promise<void>;
  /** Starts it again on the same port: with its data if it is append-only, otherwise empty. */
  start(): Promise<void>;
  /** Sends its process a signal, such as SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void;
  close(): Promise<void>;
};

/** Starts a Redis server for tests. */
export async function openTestRedis({ appendOnly = false, flags = [] as string[] } = {}): Promise<TestRedis> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nexus-test-redis-'));
  const open = (port?: number) =>
    openLocalRedis({ dataFolder, appendOnly, flags, ...(port === undefined ? {} : { port }) });
  let server: LocalRedis = await open();
  return {
    url: server.url,
    stop: () => server.stop(),
    async start() {
      server = await open(server.port);
    },
    signal: (name) => void process.kill(server.pid, name),
    async close() {
      await server.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
