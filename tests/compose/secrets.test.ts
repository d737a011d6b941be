import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pacedChunk } from '../support/open-provider-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type Fleet, openFleet, root } from './open-fleet.ts';

const run = promisify(execFile);
const scale = { api: 1, gateway: 1, worker: 1 };
/** What has to be escaped somewhere on its way: in URLs, in redis.conf, in shells. */
const secrets = {
  NEXUS_POSTGRES_PASSWORD: 'p@ss/w:rd?"of\\postgres$HOME',
  NEXUS_REDIS_PASSWORD: 'p@ss/w:rd?"of\\redis & $HOME',
  ADMIN_PASSWORD: 'correct horse battery',
  OPENAI_API_KEY: 'key-of-openai',
};

describe('a system whose secrets are files', () => {
  let folder: string;
  let fleet: Fleet;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nexus-secrets-'));
    const environment: Record<string, string> = { OPENAI_API_KEY: '', WORKER_CONCURRENCY: '3' };
    for (const [name, value] of Object.entries(secrets)) {
      environment[`${name}_FILE`] = join(folder, name);
      await writeFile(join(folder, name), `${value}\n`, { mode: 0o444 });
    }
    fleet = await openFleet(scale, { files: ['deploy/compose.secrets.yaml'], environment });
  });
  afterAll(async () => {
    await fleet?.close();
    await rm(folder, { recursive: true });
  });
  const inShell = (script: string) =>
    run('sh', ['-euc', script], { cwd: root, env: { ...process.env, ...fleet.environment } });

  it('answers, and shows no secret to whoever inspects a container', async () => {
    const agentId = await fleet.agent('t5-n5-d5');
    const [conversationId = ''] = await fleet.newConversations(1);
    await fleet.watchAll([conversationId], 1);
    await fleet.post(agentId, conversationId);
    await fleet.settle();
    fleet.forget();
    const all = await fleet.docker('ps', '-aq', '--filter', `name=${fleet.network('queue').replace(/_queue$/, '')}`);
    const inspected = await fleet.docker('inspect', ...all.split('\n'));
    for (const secret of Object.values(secrets)) expect(inspected).not.toContain(JSON.stringify(secret).slice(1, -1));
    expect(inspected).not.toContain('example-');
  });

  it('opens the queue board at the proxy to whoever knows the password', async () => {
    const board = (password: string) =>
      fetch(`${fleet.url}/admin/queues`, {
        headers: { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
      });
    expect((await board('wrong')).status).toBe(401);
    expect((await board(secrets.ADMIN_PASSWORD)).status).toBe(200);
  });

  it('may listen beyond loopback, unless the files hold the example passwords', async () => {
    const beyond = { NEXUS_BIND: '0.0.0.0', NEXUS_AUTH: 'off' };
    await fleet.compose(['run', '--rm', '--no-deps', 'preflight'], beyond);
    const example = join(folder, 'example');
    await mkdir(example);
    await writeFile(join(example, 'redis'), 'example-redis-password\n');
    const refused = fleet.compose(['run', '--rm', '--no-deps', 'preflight'], {
      ...beyond,
      NEXUS_REDIS_PASSWORD_FILE: join(example, 'redis'),
    });
    await expect(refused).rejects.toThrow('NEXUS_REDIS_PASSWORD: is still the example');
  });

  it('is restored from a backup made under load into an empty system, which finishes what was queued and running', async (context) => {
    const client = await fleet.compose(['exec', '-T', 'postgres', 'pg_dump', '--version']);
    const [server] = await fleet.sql<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    const major = (version: string) => Number(/\d+/.exec(version)?.[0]);
    if (major(client) < major(server?.version ?? ''))
      context.skip(`the engine's image of Postgres ${server?.version} has ${client}, which refuses a newer server`);
    const words = 60;
    const agentId = await fleet.agent(`t20-n${words}-d50`);
    const conversations = await fleet.newConversations(8);
    const watchers = await fleet.watchAll(conversations, 8);
    const accepted = await Promise.all(conversations.map((id) => fleet.post(agentId, id)));
    await waitUntil(
      () => watchers.filter(({ events }) => events.some(({ type }) => type === 'message.delta')).length >= 3,
      {
        what: 'three answers to begin',
      },
    );

    const dump = join(folder, 'nexus.dump');
    await inShell(`${fleet.command} exec -T postgres pg_dump -U nexus --format=custom nexus > ${dump}`);
    await inShell(`${fleet.command} down --volumes --timeout 2`);
    await inShell(`
      ${fleet.command} up -d --wait postgres
      ${fleet.command} exec -T postgres pg_restore -U nexus -d nexus --single-transaction --exit-on-error < ${dump}
    `);
    const states = await fleet.sql<{ status: string }>(`SELECT status FROM invocation WHERE agent_id = '${agentId}'`);
    expect(states.filter(({ status }) => status === 'running')).toHaveLength(3);
    expect(states.filter(({ status }) => status === 'queued')).toHaveLength(5);
    await inShell(`${fleet.command} up -d --wait`);

    const text = Array.from({ length: words }, (_, index) => pacedChunk(index)).join('');
    for (const { id } of accepted) {
      const invocation = await fleet.ended(id);
      expect(invocation).toMatchObject({ status: 'completed', output: text });
    }
    for (const [index, watcher] of watchers.entries()) {
      const shown = await watcher.ended(accepted[index]?.id ?? '', 15_000);
      expect(shown.text).toBe(text);
    }
  });
});
