import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { root } from '../../scripts/start/read-options.ts';
import type { Bench } from '../stack/open-bench.ts';

/** What a reader has to know to make sense of absolute numbers. Nothing that names the machine. */
export type Circumstances = {
  date: string;
  commit: string;
  cpus: number;
  memoryGb: number;
  node: string;
  postgres: string;
  redis: string;
};

export async function describeCircumstances({ nexus }: Bench): Promise<Circumstances> {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: await readCommit(),
    cpus: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    postgres: await readPostgresVersion(nexus.postgres.url),
    redis: await readRedisVersion(nexus.redis.url),
  };
}

/** With a plus when the sources are not what was committed. */
async function readCommit(): Promise<string> {
  const git = (...args: string[]) =>
    promisify(execFile)('git', args, { cwd: root }).then(({ stdout }) => stdout.trim());
  try {
    const dirty = (await git('status', '--porcelain', '--', '.', ':!bench/results')) !== '';
    return `${await git('rev-parse', '--short', 'HEAD')}${dirty ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

async function readPostgresVersion(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return rows[0]?.server_version ?? 'unknown';
}

async function readRedisVersion(url: string): Promise<string> {
  const redis = new Redis(url);
  const info = await redis.info('server');
  redis.disconnect();
  return /(?:redis|valkey)_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
}
