import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openLocalPostgres } from '../../scripts/local-stack/open-local-postgres.ts';
import { openLocalRedis } from '../../scripts/local-stack/open-local-redis.ts';
import type { Release } from './releases.ts';

export type Server = { url: string; pid: number; version: string };

/** Counting statements costs a little. It is always on, so that it costs every measurement the same. */
const postgresFlags = ['-c', 'shared_preload_libraries=pg_stat_statements', '-c', 'max_connections=200'];
const durable = ['fsync', 'synchronous_commit', 'full_page_writes'];

/** A Postgres that does not lose what it has committed. */
export async function openPostgres(release: Release): Promise<Server> {
  const folder = makeFolder('postgres', release);
  chmodSync(folder, 0o755); // the server may run as another user
  const dataFolder = join(folder, 'data');
  const { url, stop } = await openLocalPostgres({ dataFolder, flags: postgresFlags });
  release(stop);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const names = [...durable, 'server_version'];
    const { rows } = await client.query('SELECT name, setting FROM pg_settings WHERE name = ANY($1)', [names]);
    const settings: Record<string, string> = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    for (const name of durable)
      if (settings[name] !== 'on') throw new Error(`Postgres runs with ${name} ${settings[name]}`);
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const pid = Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return { url, pid, version: settings.server_version ?? 'unknown' };
  } finally {
    await client.end();
  }
}

/** A Redis that syncs its append-only file every second and never evicts. */
export async function openRedisServer(release: Release): Promise<Server> {
  const { url, pid, stop } = await openLocalRedis({ dataFolder: makeFolder('redis', release), appendOnly: true });
  release(stop);
  const redis = new Redis(url);
  const expected = { appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' };
  for (const [setting, value] of Object.entries(expected)) {
    const [, actual] = (await redis.config('GET', setting)) as string[];
    if (actual !== value) throw new Error(`Redis runs with ${setting} ${actual}`);
  }
  const version = /(?:redis|valkey)_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  redis.disconnect();
  return { url, pid, version };
}

function makeFolder(name: string, release: Release): string {
  const folder = mkdtempSync(join(tmpdir(), `nexus-bench-${name}-`));
  release(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
