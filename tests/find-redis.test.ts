import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const server = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find(existsSync);
const hasApt = ['/usr/bin/apt-get', '/usr/bin/dpkg-deb'].every(existsSync);

/** An ordinary user can reach a file only if all users may read every folder on its path. */
function mayEverybodyRead(path: string): boolean {
  for (let each = path; ; each = join(each, '..')) {
    if ((statSync(each).mode & 0o005) !== 0o005) return false;
    if (each === '/') return true;
  }
}
const canDrop = !isRoot || (mayEverybodyRead(realpathSync(process.execPath)) && mayEverybodyRead(realpathSync(root)));

describe('Redis on a system that has none', () => {
  const registries: Server[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nexus-find-redis-'));
    chmodSync(folder, 0o777);
  });
  afterEach(() => {
    for (const registry of registries.splice(0)) {
      registry.close();
      registry.closeAllConnections();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a Redis as an ordinary user without a server in the PATH, writes and reads with it, and stops it. */
  async function openElsewhere(env: Record<string, string> = {}): Promise<{ said: string[]; answer: string }> {
    const program = `
      import { openLocalRedis } from './scripts/local-stack/open-local-redis.ts';
      import { Redis } from 'ioredis';
      const folder = ${JSON.stringify(folder)};
      try {
        const { url, stop } = await openLocalRedis({
          dataFolder: folder + '/data', appendOnly: true, allowContainer: true,
          programs: [], folder: folder + '/redis', say: (line) => console.log('said ' + line),
        });
        const redis = new Redis(url);
        await redis.set('key', 'kept as user ' + process.getuid());
        console.log('answer ' + (await redis.get('key')));
        redis.disconnect();
        await stop();
      } catch (error) {
        console.log('answer ' + error.message);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    });
    const lines = (await text(child.stdout)).trim().split('\n');
    const of = (kind: string) =>
      lines.filter((line) => line.startsWith(kind)).map((line) => line.slice(kind.length + 1));
    return { said: of('said'), answer: of('answer').join() };
  }

  describe.runIf(hasApt && server && canDrop)('on Debian', () => {
    /** A registry with the packages of Redis, and apt's settings for it. */
    async function openRegistry(): Promise<{ asked: string[]; apt: Record<string, string> }> {
      const asked: string[] = [];
      const packages = join(folder, 'packages');
      mkdirSync(packages);
      buildPackages(packages, realpathSync(server ?? ''));
      const registry = createServer((request, response) => {
        const name = decodeURIComponent(request.url ?? '').replace(/^\/(\.\/)?/, '');
        asked.push(name);
        if (readdirSync(packages).includes(name)) response.end(readFileSync(join(packages, name)));
        else response.writeHead(404).end();
      });
      registries.push(registry);
      await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
      return { asked, apt: useRegistry((registry.address() as AddressInfo).port) };
    }

    /** apt with only this registry, and without the lists of this machine. */
    function useRegistry(port: number): Record<string, string> {
      const sources = join(folder, 'sources.list');
      writeFileSync(sources, `deb [trusted=yes] http://127.0.0.1:${port} ./\n`);
      const config = join(folder, 'apt.conf');
      const settings = [`Dir::Etc::sourcelist "${sources}"`, 'Dir::Etc::sourceparts "/dev/null"'];
      writeFileSync(config, `${settings.join(';\n')};\n`);
      return { APT_CONFIG: config, no_proxy: '127.0.0.1' };
    }

    it('fetches the package without root, keeps it, and needs no registry the next time', async () => {
      const { asked, apt } = await openRegistry();
      const first = await openElsewhere(apt);
      expect(first.answer).toMatch(/^kept as user [1-9]\d*$/);
      expect(first.said).toEqual([
        expect.stringContaining('fetching its package with apt'),
        expect.stringContaining('reading the package lists'),
        `Redis: unpacked its package in ${folder}/redis; nothing was installed`,
      ]);
      expect(asked).toContain('redis-server_7.deb');
      expect(readdirSync(folder).filter((name) => name.includes('.part-'))).toEqual([]);
      const askedBefore = asked.length;
      const second = await openElsewhere(apt);
      expect(second.answer).toMatch(/^kept as user /);
      expect(second.said).toEqual([`Redis: the package unpacked in ${folder}/redis`]);
      expect(asked).toHaveLength(askedBefore);
    });

    it('shows in one line the error of apt and what to do if the registry is away', async () => {
      const { answer } = await openElsewhere({ ...useRegistry(1), PATH: withoutEngines() });
      expect(answer).toMatch(
        /^Redis 7 or newer is missing \(apt-get: .*(127\.0\.0\.1|refused).*\)\. Install it \(sudo apt-get install redis-server\), or set REDIS_URL/,
      );
      expect(existsSync(join(folder, 'redis'))).toBe(false);
    });
  });

  /** The same PATH, with container engines in front that do nothing. */
  function withoutEngines(): string {
    return withPrograms({ docker: 'exit 1', podman: 'exit 1' });
  }

  function withPrograms(programs: Record<string, string>): string {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const [name, script] of Object.entries(programs))
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return `${bin}${delimiter}${process.env.PATH}`;
  }

  /** This machine may have no engine, so this fake runs its command as a process, and notes its arguments. */
  const engine = (log: string) => `
echo "$@" >> ${log}
case "$1" in
  image) exit 1 ;;
  run)
    while [ "$1" != redis-server ]; do
      [ "$1" = --publish ] && port=$(echo "$2" | sed 's/^127.0.0.1:\\([0-9]*\\):6379$/\\1/')
      shift
    done
    shift
    cd ${folder} && exec redis-server "$@" --port "$port" --bind 127.0.0.1 ;;
esac`;

  it.runIf(server && canDrop)('uses a container if apt has no package, on loopback and with a volume', async () => {
    const log = join(folder, 'log');
    const PATH = withPrograms({ 'apt-get': 'echo "E: no such package" >&2; exit 100', docker: engine(log) });
    const { said, answer } = await openElsewhere({ PATH });
    expect(answer).toMatch(/^kept as user /);
    expect(said.slice(-2)).toEqual([
      'Redis: docker fetches the image docker.io/library/redis:7 …',
      'Redis: runs in a docker container, with its data in a volume',
    ]);
    const asked = readFileSync(log, 'utf8').trim().split('\n');
    const name = /--name (agent-nexus-redis-[\da-f]{12}) /.exec(asked.at(-1) ?? '')?.[1];
    expect(asked.slice(-2)).toEqual([
      `rm --force ${name}`,
      expect.stringMatching(
        new RegExp(`^run --rm --name ${name} --publish 127.0.0.1:\\d+:6379 --volume ${name}:/data `),
      ),
    ]);
  });

  it.runIf(canDrop)('names its attempts and the one command to run if no way works', async () => {
    const PATH = withPrograms({
      'apt-get': 'echo "E: Unable to locate package redis-server" >&2; exit 100',
      docker: 'exit 1',
      podman: 'exit 1',
    });
    expect((await openElsewhere({ PATH })).answer).toBe(
      'Redis 7 or newer is missing (apt-get: Unable to locate package redis-server; container: docker does not answer, podman does not answer). Install it (sudo apt-get install redis-server), or set REDIS_URL to a Redis that runs.',
    );
  });
});

/** Higher than any version installed on this machine, because apt would use the installed one. */
const version = '99:7';

/** Debian's two packages in miniature, around the server of this machine. */
function buildPackages(folder: string, program: string): void {
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const build = (name: string, fill: (bin: string) => void) => {
    const tree = join(folder, 'tree', name);
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    mkdirSync(join(tree, 'usr/bin'), { recursive: true });
    fill(join(tree, 'usr/bin'));
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: nobody\nDescription: test\n`;
    writeFileSync(join(tree, 'DEBIAN/control'), control);
    const file = join(folder, `${name}_7.deb`);
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', '-Znone', tree, file], { stdio: 'ignore' });
    const sum = execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ')[0];
    return `${control}Filename: ./${name}_7.deb\nSize: ${statSync(file).size}\nSHA256: ${sum}\n`;
  };
  const entries = [
    build('redis-tools', (bin) => cpSync(program, join(bin, 'redis-check-rdb'))),
    build('redis-server', (bin) => symlinkSync('redis-check-rdb', join(bin, 'redis-server'))),
  ];
  writeFileSync(join(folder, 'Packages'), entries.join('\n'));
  rmSync(join(folder, 'tree'), { recursive: true });
}
