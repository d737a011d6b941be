import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sharedFields } from '@nexus/common/config-fields';
import { findConfigProblems } from './find-config-problems.ts';

const { REDIS_CLUSTER: redisCluster } = sharedFields;

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

/** From the command line and the environment, `.env` included. Throws a line for each thing that does not fit, never its value. */
export function readOptions(args: string[]): StartOptions {
  if (existsSync(`${root}.env`)) process.loadEnvFile(`${root}.env`);
  const { workers } = parseWorkers(args);
  const problems = findConfigProblems();
  const port = (name: string, standard: number) => {
    const wanted = Number(process.env[name] || standard);
    if (wanted === 0) problems.push(`${name}: expected a port number`); // a service alone may take any free one
    return wanted;
  };
  const options = {
    workers,
    stateFolder: resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus'),
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    redisCluster: Boolean(process.env.REDIS_URL && redisCluster.safeParse(process.env.REDIS_CLUSTER || undefined).data),
    ports: { api: port('API_PORT', 3001), gateway: port('GATEWAY_PORT', 3002), worker: port('WORKER_PORT', 3003) },
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return options;
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
