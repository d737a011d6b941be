import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../scripts/local-stack/free-port.ts';
import { openOldRedis } from './support/open-old-redis.ts';
import { waitUntil } from './support/wait-until.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('npm start', () => {
  let stateFolder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    stateFolder = mkdtempSync(join(tmpdir(), 'nexus-start-'));
    const [api, gateway, worker] = [await freePort(), await freePort(), await freePort()];
    env = {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      NEXUS_STATE_FOLDER: stateFolder,
      API_PORT: String(api),
      GATEWAY_PORT: String(gateway),
      WORKER_PORT: String(worker),
      ECHO_DELAY_MS: '5',
    };
  });
  afterAll(() => rmSync(stateFolder, { recursive: true, force: true }));

  function start(more: Record<string, string> = {}) {
    const child = spawn('npm', ['start', '--silent'], {
      cwd: root,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    /** Closes the output, like a closed terminal or a broken pipe. */
    const stopReading = () => [child.stdout, child.stderr].forEach((stream) => void stream.destroy());
    return { output: () => output, exited, stopReading, interrupt: () => interruptStarter(stateFolder) };
  }

  /** Like Ctrl-C in a terminal: sends the signal to the process that runs start.ts. */
  function interruptStarter(folder: string): void {
    process.kill(Number.parseInt(readFileSync(join(folder, 'start.pid'), 'utf8'), 10), 'SIGINT');
  }

  /**
   * All processes that were started, also indirectly: those whose environment names our state folder, or whose working directory is in it. Redis
   * needs the second, because it writes its title over its environment.
   */
  function leftOver(): string[] {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const inEnvironment = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(
          `NEXUS_STATE_FOLDER=${stateFolder}`,
        );
        return inEnvironment || readlinkSync(`/proc/${pid}/cwd`).startsWith(stateFolder);
      } catch {
        return false;
      }
    });
  }

  it('brings everything up, shows a first answer streaming, stays up, and stops in order', async () => {
    const first = start();
    await waitUntil(() => first.output().includes('Ctrl-C stops everything'), {
      what: `the guide\n${first.output()}`,
      timeoutMs: 60_000,
    });
    expect(first.output()).toContain('You said: Hello!');
    const agents = (await (await fetch(`http://127.0.0.1:${env.API_PORT}/api/agents`)).json()) as { id: string }[];
    expect(agents).toHaveLength(6);
    for (const { id } of agents) expect(first.output()).toContain(id);
    expect(stripVTControlCharacters(first.output())).toMatch(
      /openai\/gpt-4 .*needs OPENAI_API_KEY\n.*gemini\/.*needs GEMINI_API_KEY\n/,
    );

    const connect = async (baseUrl: string) => {
      const response = await fetch(`http://127.0.0.1:${env.API_PORT}/api/connections`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: baseUrl, provider: 'openai', baseUrl, keys: [{ key: 'sk-of-one-machine' }] }),
      });
      return response.status;
    };
    expect(await connect('http://127.0.0.1:8000/v1')).toBe(201); // it keeps a secret of its own, and allows loopback
    expect(await connect('http://10.0.0.1:8000/v1')).toBe(422);

    const another = start();
    expect(await another.exited).toBe(1);
    expect(another.output()).toMatch(/already runs on .* \(process \d+\)/);

    first.interrupt();
    expect(await first.exited).toBe(0);
    await waitUntil(() => leftOver().length === 0, { what: 'every process to be gone', timeoutMs: 5_000 });
  }, 90_000);

  it('finds its data at the second start, and waits for a system that is stopping', async () => {
    const second = start();
    await waitUntil(() => second.output().includes('Ctrl-C stops everything'), {
      what: 'the guide',
      timeoutMs: 60_000,
    });
    expect(second.output()).toContain('Found the agents and conversations of an earlier start');
    const conversations = await (await fetch(`http://127.0.0.1:${env.API_PORT}/api/conversations`)).json();
    expect(conversations).toHaveLength(2);

    const echo = '00000000-0000-7000-8000-0000000000a6';
    await fetch(`http://127.0.0.1:${env.API_PORT}/api/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ agentId: echo, message: 'word '.repeat(1_500) }),
    });
    second.interrupt(); // its stop lets that answer end
    const third = start({ DATABASE_PASSWORD: 'of another', REDIS_PASSWORD: 'of another' }); // passwords that our stores do not use
    expect(await second.exited).toBe(0);
    await waitUntil(() => third.output().includes('Ctrl-C stops everything'), {
      what: `the guide\n${third.output()}`,
      timeoutMs: 60_000,
    });
    expect(third.output()).toContain('Waiting for the earlier start');
    third.interrupt();
    expect(await third.exited).toBe(0);
    await waitUntil(() => leftOver().length === 0, { what: 'every process to be gone', timeoutMs: 5_000 });
  }, 180_000);

  it('stops in order if its output is closed', async () => {
    const unread = start();
    await waitUntil(() => unread.output().includes('It runs.'), { what: 'the guide', timeoutMs: 60_000 });
    unread.stopReading();
    unread.interrupt();
    expect(await unread.exited).toBe(0);
    await waitUntil(() => leftOver().length === 0, { what: 'every process to be gone', timeoutMs: 5_000 });
  }, 90_000);

  it('leaves nothing running when it is stopped while it opens its stores', async () => {
    const early = start();
    await waitUntil(() => early.output().includes('Redis: starting'), { what: 'Redis to be started', everyMs: 5 });
    early.interrupt();
    expect(await early.exited).toBe(0);
    await waitUntil(() => leftOver().length === 0, { what: 'every process to be gone', timeoutMs: 5_000 });
  }, 60_000);

  it('shows in one line what is wrong, exits with 1 and leaves nothing running', async () => {
    const taken = createServer().listen(Number(env.GATEWAY_PORT), '127.0.0.1');
    const blocked = start();
    expect(await blocked.exited).toBe(1);
    expect(blocked.output().trim().split('\n')).toHaveLength(1);
    expect(blocked.output()).toContain(
      `Port ${env.GATEWAY_PORT} is in use. Stop the program that listens there, or set GATEWAY_PORT to another port.`,
    );
    taken.close();

    const unreachable = start({ DATABASE_URL: 'postgresql://user:secret-word@127.0.0.1:1/nexus' });
    expect(await unreachable.exited).toBe(1);
    expect(unreachable.output()).toContain('DATABASE_URL: cannot reach nexus at 127.0.0.1:1');
    expect(unreachable.output()).not.toContain('secret-word');
    expect(unreachable.output()).not.toMatch(/\n\s+at /);

    const inFile = join(stateFolder, 'database-url');
    writeFileSync(inFile, 'postgresql://user@127.0.0.1:1/elsewhere');
    const apart = start({ DATABASE_URL_FILE: inFile, DATABASE_PASSWORD: 'secret-word' });
    expect(await apart.exited).toBe(1);
    expect(apart.output()).toContain('DATABASE_URL: cannot reach elsewhere at 127.0.0.1:1');
    expect(apart.output()).not.toContain('secret-word');

    const nowhere = start({ NEXUS_STATE_FOLDER: '/proc/nexus/state' });
    expect(await nowhere.exited).toBe(1);
    expect(nowhere.output().trim()).toBe('NEXUS_STATE_FOLDER: cannot create or use /proc/nexus/state (ENOENT)');

    const nonsense = start({ REDIS_URL: 'http://127.0.0.1' });
    expect(await nonsense.exited).toBe(1);
    expect(nonsense.output()).toContain('REDIS_URL: expected a redis://');
    expect(leftOver()).toEqual([]);
  }, 60_000);

  it('starts without Echo, and then shows no first answer', async () => {
    const without = start({ WORKER_PROVIDERS: 'ollama' });
    await waitUntil(() => without.output().includes('Ctrl-C stops everything'), {
      what: 'the guide',
      timeoutMs: 60_000,
    });
    expect(stripVTControlCharacters(without.output())).toMatch(/echo\/echo .*is not in WORKER_PROVIDERS/);
    expect(without.output()).not.toContain('A first message');
    without.interrupt();
    expect(await without.exited).toBe(0);
    expect(without.output()).toContain('Stopped.');
  }, 60_000);

  it('starts with providers that refuse everything, and shows for each in one line what is wrong', async () => {
    const refusing = createHttpServer((_request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"go away"}}');
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const nobody = await freePort();
    const refused = start({
      OPENAI_API_KEY: 'sk-secret-word',
      OPENAI_BASE_URL: `http://${host}/v1`,
      GEMINI_API_KEY: 'secret-word',
      GEMINI_BASE_URL: `https://${host}`, // the server does not use TLS
      OLLAMA_BASE_URL: `http://127.0.0.1:${nobody}`,
      API_HOST: '127.0.0.2', // the start must wait for it and call it at this address
      NEXUS_AUTH: 'off',
    });
    const said = () => stripVTControlCharacters(refused.output());
    await waitUntil(
      () => ['OpenAI at', 'Gemini at', 'Ollama at', 'Ctrl-C stops'].every((text) => said().includes(text)),
      {
        what: `a line about each provider, and the guide\n${refused.output()}`,
        timeoutMs: 60_000,
      },
    );
    const lines = said().split('\n');
    const about = (title: string) => lines.filter((line) => line.includes(`${title} at `));
    expect(about('OpenAI')).toEqual([
      expect.stringContaining(`OpenAI at ${host} rejected the credentials (401: go away); check OPENAI_API_KEY`),
    ]);
    expect(about('Gemini')).toEqual([expect.stringMatching(/cannot be reached \([^)]+\); check GEMINI_BASE_URL/)]);
    expect(about('Ollama').filter((line) => line.includes(' warn '))).toEqual([
      expect.stringContaining(`cannot be reached (ECONNREFUSED: nothing listens there); check OLLAMA_BASE_URL`),
    ]);
    expect(said()).toContain('You said: Hello!');
    expect(said()).toContain(`API http://127.0.0.2:${env.API_PORT} `);
    expect(said()).not.toContain('secret-word');
    refused.interrupt();
    expect(await refused.exited).toBe(0);
    await new Promise((resolve) => refusing.close(resolve));
  }, 90_000);

  it('stays up if the first answer fails, and shows why in one line', async () => {
    const first = start();
    await waitUntil(() => first.output().includes('Ctrl-C stops everything'), { what: 'the guide', timeoutMs: 60_000 });
    expect(first.output()).toContain('Only Echo answers yet.');
    const activate = (active: boolean) =>
      fetch(`http://127.0.0.1:${env.API_PORT}/api/agents/00000000-0000-7000-8000-0000000000a6`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ active }),
      });
    expect((await activate(false)).ok).toBe(true);
    first.interrupt();
    expect(await first.exited).toBe(0);

    const second = start();
    await waitUntil(() => second.output().includes('Ctrl-C stops everything'), {
      what: `the guide\n${second.output()}`,
      timeoutMs: 60_000,
    });
    expect(stripVTControlCharacters(second.output())).toMatch(
      /^› The first answer failed: the API refused the message with 4\d\d: .+\. The system stays up\.$/m,
    );
    expect((await activate(true)).ok).toBe(true);
    second.interrupt();
    expect(await second.exited).toBe(0);
    await waitUntil(() => leftOver().length === 0, { what: 'every process to be gone', timeoutMs: 5_000 });
  }, 120_000);

  it('names two services that are set to one port', async () => {
    const doubled = start({ WORKER_PORT: env.API_PORT ?? '' });
    expect(await doubled.exited).toBe(1);
    expect(doubled.output().trim()).toBe(
      `API_PORT and WORKER_PORT are both ${env.API_PORT}: set one of them to another port.`,
    );
  }, 60_000);

  it('names every invalid variable before it starts anything', async () => {
    const wrong = start({
      GATEWAY_PORT: 'x',
      LOG_LEVEL: 'loud',
      WORKER_CONCURRENCY: 'many',
      REDIS_URL_FILE: '/none',
      DATABASE_URL: 'nope',
      OPENAI_API_KEY: 'sk-secret\nword',
      OLLAMA_BASE_URL: 'http://user:secret-word@127.0.0.1:11434',
      CORS_ORIGINS: 'http://a.example/secret-word',
    });
    expect(await wrong.exited).toBe(1);
    const lines = wrong.output().trim().split('\n');
    const names = lines.map((line) => stripVTControlCharacters(line).split(':')[0]);
    expect(names.toSorted()).toEqual([
      'CORS_ORIGINS',
      'DATABASE_URL',
      'GATEWAY_PORT',
      'LOG_LEVEL',
      'OLLAMA_BASE_URL',
      'OPENAI_API_KEY',
      'REDIS_URL',
      'REDIS_URL_FILE',
      'WORKER_CONCURRENCY',
    ]);
  }, 60_000);

  it.each(['5.0.14', '6.2.14'])(
    'refuses Redis %s, which is too old',
    async (version) => {
      const redis = await openOldRedis(version);
      const refused = start({ REDIS_URL: redis.url });
      expect(await refused.exited).toBe(1);
      expect(refused.output()).toContain(`REDIS_URL: Redis ${version} is too old; Agent Nexus needs 7 or newer`);
      await redis.close();
      expect(leftOver()).toEqual([]);
    },
    60_000,
  );

  it('leaves nothing running if one of several services cannot start', async () => {
    const refused = start({ API_HOST: '203.0.113.1', NEXUS_AUTH: 'off' }); // an address that no machine has
    expect(await refused.exited).toBe(1);
    expect(refused.output()).toContain('api did not start');
    expect(refused.output()).toContain('API_HOST: is no name or address of this machine');
    expect(leftOver()).toEqual([]);
  }, 60_000);
});
