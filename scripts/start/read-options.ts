import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sharedFields } from '@nexus/common/config/config-fields';
import { readVariable } from '@nexus/common/config/parse-config';
import { withPassword, withPasswordEach } from '@nexus/common/config/with-passwords';
import { workerConfigSchema } from '../../services/worker/src/worker-config.ts';
import { findConfigProblems } from './find-config-problems.ts';
import { findUnreadSettings } from './find-unread-settings.ts';
import { type Auth, readAuth } from './read-auth.ts';
import { type EnvFile, readEnvFile } from './read-env-file.ts';
import { findPortProblems, readPlaces, type ServicePlaces } from './service-places.ts';

const { REDIS_CLUSTER: redisCluster } = sharedFields;
const { SHUTDOWN_GRACE_MS: shutdownGrace } = workerConfigSchema.shape;

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type StartOptions = {
  workers: number;
  /** Whether callers need a key. */
  auth: Auth;
  /** Whether NEXUS_SECRETS is set: without it the state folder has a secret of its own. */
  hasSecrets: boolean;
  /** Whether ADDRESS_ALLOW_LIST is set: without it connections may lead to loopback. */
  hasAllowList: boolean;
  /** Where the local Postgres and Redis keep their data. */
  stateFolder: string;
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** Whether `redisUrl` names nodes of a cluster. */
  redisCluster: boolean;
  places: ServicePlaces;
  /** How long a worker that stops lets answers finish, in milliseconds. */
  shutdownGraceMs: number;
  /** Warnings about `.env`, a line each. The start continues. */
  remarks: string[];
};

export const usage = 'usage: npm start [-- --workers N] [--auth]     settings: .env, see .env.example';

/** Reads the command line, the environment and `.env`. Throws one line for each problem, never a value. */
export function readOptions(args: string[]): StartOptions {
  const envFile = readEnvFile(loadEnvFile());
  for (const [name, value] of Object.entries(envFile.values)) process.env[name] ??= value;
  const { workers, withKeys } = parseArguments(args);
  const hosts = { API_HOST: given('API_HOST'), GATEWAY_HOST: given('GATEWAY_HOST') };
  const { auth, problems: authProblems } = readAuth(given('NEXUS_AUTH'), withKeys, hosts);
  const places = readPlaces(given);
  const problems = [
    ...envFile.problems,
    ...findConfigProblems(),
    ...findPortProblems(places, workers),
    ...authProblems,
  ];
  const stateFolder = process.env.NEXUS_STATE_FOLDER?.trim() || '.nexus';
  if (stateFolder.startsWith('~')) problems.push('NEXUS_STATE_FOLDER: expected a path that does not begin with ~');
  if (problems.length > 0) throw new Error(problems.join('\n'));

  const [databaseUrl, redisUrl] = [given('DATABASE_URL'), given('REDIS_URL')];
  return {
    workers,
    auth,
    hasSecrets: Boolean(given('NEXUS_SECRETS')),
    hasAllowList: Boolean(given('ADDRESS_ALLOW_LIST')),
    stateFolder: resolve(root, stateFolder),
    databaseUrl: databaseUrl && withPassword(databaseUrl, given('DATABASE_PASSWORD')),
    redisUrl: redisUrl && withPasswordEach(redisUrl, given('REDIS_PASSWORD')),
    redisCluster: Boolean(redisUrl && redisCluster.safeParse(given('REDIS_CLUSTER')).data),
    places: places as ServicePlaces, // complete, because there were no problems
    shutdownGraceMs: shutdownGrace.parse(given('SHUTDOWN_GRACE_MS')),
    remarks: remarksOn(envFile),
  };
}

function remarksOn({ values, doubled }: EnvFile): string[] {
  const unread = isThere('.env.example') ? findUnreadSettings(Object.keys(values), read('.env.example')) : [];
  return [
    ...unread.map((name) => `.env: ${name} is not a setting; see .env.example`),
    ...doubled.map((name) => `.env: ${name} is set more than once; the last value counts`),
  ];
}

function loadEnvFile(): Uint8Array {
  try {
    return isThere('.env') ? readFileSync(`${root}.env`) : Buffer.of();
  } catch (error) {
    throw new Error(`.env: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const isThere = (name: string) => existsSync(`${root}${name}`);
const read = (name: string) => readFileSync(`${root}${name}`, 'utf8');

/** A variable as the services read it. undefined also if its file cannot be read: findConfigProblems reports that. */
function given(name: string): string | undefined {
  try {
    return readVariable(process.env, name);
  } catch {
    return undefined;
  }
}

function parseArguments(args: string[]): { workers: number; withKeys: boolean } {
  let values: { workers?: string; auth?: boolean };
  try {
    values = parseArgs({ args, options: { workers: { type: 'string' }, auth: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split('.')[0] : error}. ${usage}`);
  }
  const workers = Number(values.workers ?? 1);
  if (!Number.isInteger(workers) || workers < 1 || workers > 64)
    throw new Error(`--workers: expected a number from 1 to 64. ${usage}`);
  return { workers, withKeys: values.auth ?? false };
}
