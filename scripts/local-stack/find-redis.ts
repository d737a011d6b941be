import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findContainerRedis } from './find-container-redis.ts';
import { toInstallCommand } from './install-command.ts';
import { fromProgram, minRedisVersion, type RedisSource, versionOf } from './redis-source.ts';
import { isMissingProgram } from './run-bounded.ts';
import { findUnpackedRedis, unpackDebianRedis } from './unpack-debian-redis.ts';

export type FindRedisOptions = {
  say: (line: string) => void;
  /** Aborts a download. */
  signal?: AbortSignal;
  /** Whether a container is allowed. Tests pause and kill Redis, which needs a process. */
  allowContainer?: boolean;
  /** Programs to look for on this system, in order. */
  programs?: string[];
  /** Where to unpack a package. */
  folder?: string;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const standardFolder = join(root, '.nexus', `redis-${process.arch}`);

/**
 * A Redis (7 or newer) or Valkey: the system's own, or its package unpacked below .nexus/, or a container. Says which one it uses, unless it is the
 * system's own. If all fail, throws one line with the command that installs Redis.
 */
export async function findRedis(options: FindRedisOptions): Promise<RedisSource> {
  const { say, signal = new AbortController().signal, programs = ['redis-server', 'valkey-server'] } = options;
  const folder = options.folder ?? standardFolder;
  const reasons: string[] = [];
  for (const program of programs) {
    const version = await versionOf(program);
    if (version === null) continue;
    if (program === 'valkey-server' || version >= minRedisVersion) return fromProgram(program);
    reasons.push(`${program} ${version} is too old`);
  }
  const unpacked = await findUnpackedRedis(folder);
  if (unpacked) {
    say(`Redis: the package unpacked in ${folder}`);
    return unpacked;
  }
  const ways: [name: string, open: () => Promise<RedisSource>][] = [['apt-get', () => unpack(folder, { say, signal })]];
  if (options.allowContainer) ways.push(['container', () => findContainerRedis({ say, signal })]);
  for (const [name, open] of ways) {
    try {
      return await open();
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isMissingProgram(error)) reasons.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(toAdvice(reasons));
}

async function unpack(
  folder: string,
  parts: { say: (line: string) => void; signal: AbortSignal },
): Promise<RedisSource> {
  const source = await unpackDebianRedis(folder, {
    ...parts,
    say: (line) => parts.say(`Redis: ${line}`),
  });
  parts.say(`Redis: unpacked its package in ${folder}; nothing was installed`);
  return source;
}

function toAdvice(reasons: string[]): string {
  const tried = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return `Redis ${minRedisVersion} or newer is missing${tried}. Install it (${toInstallCommand()}), or set REDIS_URL to a Redis that runs.`;
}
