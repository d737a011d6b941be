import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sharedFields } from '@nexus/common/config/config-fields';
import { readVariable } from '@nexus/common/config/parse-config';
import { withPassword, withPasswordEach } from '@nexus/common/config/with-passwords';
import { findConfigProblems } from './find-config-problems.ts';
import { findUnreadSettings } from './find-unread-settings.ts';

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
  /** Names in `.env` that nobody reads. */
  unreadSettings: string[];
};

export const usage = 'usage: npm start [-- --workers N]     settings: .env, see .env.example';

/** From the command line and the environment, `.env` included. Throws a line for each thing that does not fit, never its value. */
export function readOptions(args: string[]): StartOptions {
  if (isThere('.env')) process.loadEnvFile(`${root}.env`);
  const { workers } = parseWorkers(args);
  const problems = findConfigProblems();
  const port = (name: string, standard: number) => {
    const wanted = Number(given(name) ?? standard);
    if (wanted === 0) problems.push(`${name}: expected a port number`); // a service alone may take any free one
    return wanted;
  };
  const ports = { api: port('API_PORT', 3001), gateway: port('GATEWAY_PORT', 3002), worker: port('WORKER_PORT', 3003) };
  if (problems.length > 0) throw new Error(problems.join('\n'));

  const [databaseUrl, redisUrl] = [given('DATABASE_URL'), given('REDIS_URL')];
  return {
    workers,
    stateFolder: resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus'),
    databaseUrl: databaseUrl && withPassword(databaseUrl, given('DATABASE_PASSWORD')),
    redisUrl: redisUrl && withPasswordEach(redisUrl, given('REDIS_PASSWORD')),
    redisCluster: Boolean(redisUrl && redisCluster.safeParse(given('REDIS_CLUSTER')).data),
    ports,
    unreadSettings:
      isThere('.env') && isThere('.env.example') ? findUnreadSettings(read('.env'), read('.env.example')) : [],
  };
}

const isThere = (name: string) => existsSync(`${root}${name}`);
const read = (name: string) => readFileSync(`${root}${name}`, 'utf8');

/** A variable as the services read it. undefined also where its file cannot be read, which is one of the problems found before. */
function given(name: string): string | undefined {
  try {
    return readVariable(process.env, name);
  } catch {
    return undefined;
  }
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
