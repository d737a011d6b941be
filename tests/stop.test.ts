import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from './support/create-test-database.ts';
import { openProxy } from './support/open-proxy.ts';
import { openTemplatePostgres } from './support/open-template-postgres.ts';
import { openTestDatabase } from './support/open-test-database.ts';
import { openTestRedis } from './support/open-test-redis.ts';
import { startService } from './support/start-service.ts';
import { waitUntil } from './support/wait-until.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const graceMs = 500;

describe('a service that stops', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  const keep = <T extends { close(): Promise<void> }>(resource: T): T => {
    opened.push(resource);
    return resource;
  };

  it.each(['api', 'gateway', 'worker'] as const)(
    'ends although Postgres and Redis are gone for good: %s',
    async (name) => {
      const postgres = keep(await openTemplatePostgres());
      const redis = keep(await openTestRedis());
      const { url } = await createTestDatabase(postgres.url);
      const env = { DATABASE_URL: url, REDIS_URL: redis.url, SHUTDOWN_GRACE_MS: String(graceMs) };
      const service = await startService(name, env);
      await Promise.all([postgres.stop(), redis.stop()]);
      const from = performance.now();
      const { code } = await service.stop('SIGTERM');
      expect(code, service.output().slice(-2_000)).toBe(0);
      expect(performance.now() - from).toBeLessThan(graceMs + 10_000);
    },
    90_000,
  );

  it.each(['info', 'debug'])(
    'ends although no process reads its log, at level %s',
    async (LOG_LEVEL) => {
      const database = keep(await openTestDatabase());
      const redis = keep(await openTestRedis());
      const child = spawn(process.execPath, ['services/api/src/main.ts'], {
        cwd: root,
        env: {
          PATH: process.env.PATH ?? '',
          DATABASE_URL: database.url,
          REDIS_URL: redis.url,
          API_PORT: '0',
          LOG_LEVEL,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
      keep({ close: async () => void child.kill('SIGKILL') });
      await new Promise((resolve) => child.stdout.once('data', resolve)); // it has begun to log
      child.stdout.destroy();
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      expect(await exited).toBe(0);
      clearTimeout(late);
    },
    60_000,
  );

  it('ends once after any number of signals', async () => {
    const database = keep(await openTestDatabase());
    const redis = keep(await openTestRedis());
    const service = await startService('api', { DATABASE_URL: database.url, REDIS_URL: redis.url });
    const [first, second] = [service.stop('SIGTERM'), service.stop('SIGINT')];
    expect(await first, service.output()).toEqual({ code: 0, signal: null });
    await second;
  });

  it('ends in order during its start', async () => {
    const database = keep(await openTestDatabase());
    const redis = keep(await openTestRedis());
    const proxy = keep(await openProxy(Number(new URL(database.url).port)));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    proxy.set({ delayMs: 300 }); // each step of the start takes a while
    const child = spawn(process.execPath, ['services/worker/src/main.ts'], {
      cwd: root,
      env: { PATH: process.env.PATH ?? '', DATABASE_URL: url.href, REDIS_URL: redis.url, WORKER_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    keep({ close: async () => void child.kill('SIGKILL') });
    await waitUntil(() => proxy.connections() > 0, { what: 'it to connect' });
    child.kill('SIGTERM');
    const from = performance.now();
    expect(await exited, output).toBe(0);
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(output).not.toMatch(/"level":(50|60)/);
  }, 60_000);
});
