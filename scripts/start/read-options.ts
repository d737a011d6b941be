import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sharedFields } from '@nexus/common/config-fields';
import { parseConfig } from '@nexus/common/parse-config';
import { redisProblem } from '@nexus/common/redis-urls';
import { z } from 'zod';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type StartOptions = {
  workers: number;
  /** Where the local Postgres and Redis keep their data. */
  stateFolder: string;
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** Whether that names nodes of a cluster. */
  redisCluster: boolean;
  ports: { api: number; gateway: number; worker: number };
};

const usage = 'usage: npm start [-- --workers N]';

/** From the command line and the environment, `.env` included. Throws one line that names what does not fit. */
export function readOptions(args: string[]): StartOptions {
  if (existsSync(`${root}.env`)) process.loadEnvFile(`${root}.env`);
  const { workers } = parseWorkers(args);
  return {
    workers,
    stateFolder: resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus'),
    databaseUrl: readUrl('DATABASE_URL', ['postgres:', 'postgresql:']),
    ...readRedis(),
    ports: {
      api: readPort('API_PORT', 3001),
      gateway: readPort('GATEWAY_PORT', 3002),
      worker: readPort('WORKER_PORT', 3003),
    },
  };
}

function parseWorkers(args: string[]): { workers: number } {
  let text: string | undefined;
  try {
    text = parseArgs({ args, options: { workers: { type: 'string' } } }).values.workers;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split('.')[0] : error}. ${usage}`);
  }
  const workers = Number(text ?? 1);
  if (!Number.isInteger(workers) || workers < 1 || workers > 64)
    throw new Error(`--workers: expected a number from 1 to 64. ${usage}`);
  return { workers };
}

function readRedis(): { redisUrl: string | undefined; redisCluster: boolean } {
  const { REDIS_URL, REDIS_CLUSTER } = sharedFields;
  const fields = z.object({ REDIS_URL: REDIS_URL.optional(), REDIS_CLUSTER });
  const { REDIS_URL: redisUrl, REDIS_CLUSTER: cluster } = parseConfig(fields, process.env);
  const problem = redisUrl && redisProblem(redisUrl, cluster);
  if (problem) throw new Error(`REDIS_URL: ${problem}`);
  return { redisUrl, redisCluster: cluster && redisUrl !== undefined };
}

function readUrl(name: string, protocols: string[]): string | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol))
    throw new Error(`${name}: expected a ${protocols.join('// or ')}// URL`);
  return text;
}

function readPort(name: string, standard: number): number {
  const port = Number(process.env[name] || standard);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${name}: expected a port number`);
  return port;
}
