import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fromProgram, minRedisVersion, type RedisSource, versionOf } from './redis-source.ts';
import { runBounded } from './run-bounded.ts';

const downloadLimitMs = 120_000;
const updateLimitMs = 180_000;
const shortLimitMs = 20_000;
const progressEveryMs = 10_000;
/** The server needs libraries, and these need libraries. No release needs more rounds than this. */
const maxRounds = 4;

/** By default apt waits for minutes if no server answers, and tries several times. */
const aptOptions = ['-q', ...option('Acquire::Retries=0'), ...option('Acquire::http::Timeout=10')];

/** Without this, apt succeeds even if it could not fetch the lists. */
const failAtAny = option('APT::Update::Error-Mode=any');

/** apt's messages if its package lists are missing or old. Other failures mean that it cannot reach the registry. */
const outdatedLists = /unable to locate|can't find|no candidate|404/i;

/** apt must write English: we match its messages, and show them. */
const inEnglish = { ...process.env, LC_ALL: 'C' };

type Unpacking = { say: (line: string) => void; signal: AbortSignal };

/** The server that an earlier start unpacked; null if there is none that runs. */
export async function findUnpackedRedis(folder: string): Promise<RedisSource | null> {
  const { program, env } = toServer(folder);
  if (!existsSync(program)) return null;
  return ((await versionOf(program, env)) ?? 0) >= minRedisVersion ? fromProgram(program, env) : null;
}

/**
 * Unpacks Debian's or Ubuntu's Redis, with the libraries that this system lacks, in a folder. It needs no root and installs nothing. Rejects with
 * the reason in one line; see isMissingProgram for a system without apt.
 */
export async function unpackDebianRedis(folder: string, { say, signal }: Unpacking): Promise<RedisSource> {
  await runBounded('apt-get', ['--version'], { limitMs: shortLimitMs, signal });
  say('not on this system: fetching its package with apt, without root …');
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.part-`);
  const startedAt = performance.now();
  const progress = setInterval(
    () => say(`… still fetching (${Math.round((performance.now() - startedAt) / 1_000)} s)`),
    progressEveryMs,
  );
  try {
    const unpacked = join(work, basename(folder));
    await mkdir(unpacked);
    const fetching = createFetching(work, { say, signal });
    let wanted = ['redis-server', 'redis-tools'];
    for (let round = 0; wanted.length > 0 && round < maxRounds; round += 1) {
      const packages = await fetching.fetch(wanted);
      for (const file of packages)
        await runBounded('dpkg-deb', ['-x', file, unpacked], { limitMs: shortLimitMs, signal });
      wanted = (await lacksLibraries(unpacked, signal)) ? await fetching.librariesOf(packages) : [];
    }
    await assertRuns(unpacked, signal);
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
    const { program, env } = toServer(folder);
    return fromProgram(program, env);
  } finally {
    clearInterval(progress);
    await rm(work, { recursive: true, force: true });
  }
}

/** Fetches packages by name, with the system's package lists, or with lists of our own if those are missing or old. */
function createFetching(work: string, { say, signal }: Unpacking) {
  const fetched = new Set<string>();
  let ownLists: string[] = [];

  async function download(names: string[], cwd: string): Promise<void> {
    await runBounded('apt-get', [...aptOptions, ...ownLists, 'download', ...names], {
      cwd,
      limitMs: downloadLimitMs,
      signal,
      env: inEnglish,
    });
  }
  async function update(): Promise<void> {
    say('reading the package lists first …');
    for (const folder of ['state/lists/partial', 'cache/archives/partial'])
      await mkdir(join(work, folder), { recursive: true });
    const own = [`Dir::State=${work}/state`, `Dir::Cache=${work}/cache`, 'Dir::State::status=/var/lib/dpkg/status'];
    ownLists = own.flatMap(option);
    await runBounded('apt-get', [...aptOptions, ...ownLists, ...failAtAny, 'update'], {
      limitMs: updateLimitMs,
      signal,
    });
  }
  return {
    /** Returns the package files. Reads new package lists once, if the system's are missing or old. */
    async fetch(names: string[]): Promise<string[]> {
      for (const name of names) fetched.add(name);
      const cwd = await mkdtemp(join(work, 'packages-'));
      await download(names, cwd).catch(async (error: unknown) => {
        if (ownLists.length > 0 || !outdatedLists.test(String(error))) throw error;
        await update();
        await download(names, cwd);
      });
      return readdirSync(cwd).map((file) => join(cwd, file));
    },
    /** The libraries that these packages need and that we have not fetched. Never the C library: it must match the system's loader. */
    async librariesOf(packages: string[]): Promise<string[]> {
      const names = new Set<string>();
      for (const file of packages) {
        const depends = await runBounded('dpkg-deb', ['-f', file, 'Depends'], { limitMs: shortLimitMs, signal });
        for (const [name] of depends.matchAll(/(?<=^|, |\n)lib[a-z\d.+-]+/g)) names.add(name);
      }
      return [...names].filter((name) => !/^libc6$|^libc-bin$/.test(name) && !fetched.has(name));
    },
  };
}

async function lacksLibraries(unpacked: string, signal: AbortSignal): Promise<boolean> {
  const { program, env } = toServer(unpacked);
  const listed = await runBounded('ldd', [program], { limitMs: shortLimitMs, signal, env });
  return listed.includes('not found');
}

async function assertRuns(unpacked: string, signal: AbortSignal): Promise<void> {
  const { program, env } = toServer(unpacked);
  await runBounded(program, ['--version'], { limitMs: shortLimitMs, signal, env });
  const version = (await versionOf(program, env)) ?? 0;
  if (version < minRedisVersion) throw new Error(`this system's Redis ${version} is too old`);
}

function toServer(folder: string): { program: string; env: NodeJS.ProcessEnv } {
  const libraries = ['usr/lib', 'lib']
    .map((each) => join(folder, each))
    .filter(existsSync)
    .flatMap((each) => [
      each,
      ...readdirSync(each).flatMap((name) => (/-linux-/.test(name) ? [join(each, name)] : [])),
    ]);
  const path = [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    program: join(folder, 'usr/bin/redis-server'),
    env: path === '' ? process.env : { ...process.env, LD_LIBRARY_PATH: path },
  };
}

function option(setting: string): string[] {
  return ['-o', setting];
}
