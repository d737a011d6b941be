import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openLocalPostgres } from '../../scripts/local-stack/open-local-postgres.ts';
import { openLocalRedis } from '../../scripts/local-stack/open-local-redis.ts';
import type { Release } from './releases.ts';

export type Server = { url: string; pid: number };

/** Counting statements costs a little: it is on all the time, so that nothing is measured without it. */
const postgresFlags = ['-c', 'shared_preload_libraries=pg_stat_statements', '-c', 'max_connections=200'];

/** A Postgres of the benchmark's own that does not lose what it has said yes to. */
export async function openPostgres(release: Release): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-bench-postgres-'));
  release(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755); // the server may run as another user
  const dataFolder = join(folder, 'data');
  const { url, stop } = await openLocalPostgres({ dataFolder, flags: postgresFlags });
  release(stop);
  await assertDurable(url);
  return { url, pid: Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]) };
}

async function assertDurable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      const { rows } = await client.query(`SHOW ${setting}`);
      if (rows[0]?.[setting] !== 'on') throw new Error(`Postgres runs with ${setting} ${rows[0]?.[setting]}`);
    }
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  } finally {
    await client.end();
  }
}

/** A Redis with an append-only file synced every second, which never evicts. */
export async function openRedisServer(release: Release): Promise<Server> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nexus-bench-redis-'));
  release(() => rmSync(dataFolder, { recursive: true, force: true }));
  const { url, pid, stop } = await openLocalRedis({ dataFolder, appendOnly: true });
  release(stop);
  const redis = new Redis(url);
  const expected = { appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' };
  for (const [setting, value] of Object.entries(expected)) {
    const [, actual] = (await redis.config('GET', setting)) as string[];
    if (actual !== value) throw new Error(`Redis runs with ${setting} ${actual}`);
  }
  redis.disconnect();
  return { url, pid };
}
