import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findContainerRedis } from './find-container-redis.ts';
import { toInstallCommand } from './install-command.ts';
import { fromProgram, minRedisVersion, type RedisSource, versionOf } from './redis-source.ts';
import { isMissingProgram } from './run-bounded.ts';
import { findUnpackedRedis, unpackDebianRedis } from './unpack-debian-redis.ts';

export type FindRedisOptions = {
  say: (line: string) => void;
  /** Ends what is being fetched. */
  signal?: AbortSignal;
  /** Whether a container will do: it cannot be paused or killed as a process can. */
  allowContainer?: boolean;
  /** Servers of this system, best known first. */
  programs?: string[];
  /** Where a package is unpacked. */
  folder?: string;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const standardFolder = join(root, '.nexus', `redis-${process.arch}`);

/**
 * A Redis (7 or newer) or Valkey: the system's own, else its package unpacked below .nexus/, else a container. Says which way it took, unless
 * it is the first. Throws one line with the command to run where every way fails.
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
  parts.say(`Redis: its package is unpacked in ${folder}; nothing was installed`);
  return source;
}

function toAdvice(reasons: string[]): string {
  const tried = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return `Redis ${minRedisVersion} or newer is missing${tried}. Install it (${toInstallCommand()}), or set REDIS_URL to one that runs.`;
}
