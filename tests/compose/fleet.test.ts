import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { keepBusy } from './keep-busy.ts';
import { type Fleet, openFleet, root, type ServiceName } from './open-fleet.ts';

const run = promisify(execFile);

type Inspected = {
  Config: { User: string };
  HostConfig: {
    RestartPolicy: { Name: string };
    Memory: number;
    LogConfig: { Config: Record<string, string> };
    ReadonlyRootfs: boolean;
    Init: boolean;
  };
};

const standard = { api: 2, gateway: 2, worker: 4 };

describe('the compose file', () => {
  let fleet: Fleet;
  let agentId: string;
  beforeAll(async () => {
    fleet = await openFleet(standard);
    agentId = await fleet.agent('t20-n20-d20');
  });
  afterAll(() => fleet?.close());

  const busy = async (conversations: number, during: () => Promise<unknown>) => {
    const ids = await fleet.newConversations(conversations);
    await fleet.watchAll(ids, conversations * 2);
    const count = await keepBusy(fleet, agentId, ids, during);
    await fleet.settle();
    expect(count).toBeGreaterThan(conversations);
    return ids;
  };
  const one = async (service: ServiceName) => (await fleet.containers(service))[0] ?? '';
  afterEach(async () => {
    fleet.forget();
    await fleet.scale(standard);
    await fleet.healthy('api', 'gateway', 'worker');
  });

  it('answers 300 invocations over 4 workers, 2 gateways and 2 APIs to 100 clients, each as it is stored', async () => {
    const conversations = await fleet.newConversations(50);
    const watchers = await fleet.watchAll(conversations, 100);
    expect(watchers).toHaveLength(100);
    const posts = Array.from({ length: 300 }, (_, index) => fleet.post(agentId, conversations[index % 50] ?? ''));
    await Promise.all(posts);
    const sockets = await Promise.all(
      (await fleet.containers('gateway')).map((name) => metric(name, 3002, 'nexus_socket_connections')),
    );
    await fleet.settle();
    expect(Math.min(...sockets)).toBeGreaterThan(0);
    expect(sockets.reduce((sum, count) => sum + count, 0)).toBe(100);
    const created = await Promise.all(
      (await fleet.containers('api')).map((name) =>
        metric(name, 3001, 'nexus_invocations_created_total{provider="openai"}'),
      ),
    );
    expect(Math.min(...created)).toBeGreaterThan(0);
    const workers = await fleet.sql<{ worker_id: string }>(
      'SELECT DISTINCT worker_id FROM invocation WHERE worker_id IS NOT NULL',
    );
    expect(workers).toHaveLength(4);
  });

  it('keeps Postgres, Redis and the services themselves off the outside', async () => {
    const published = await fleet.docker(
      'ps',
      '--filter',
      `name=${fleet.network('queue').replace(/_queue$/, '')}`,
      '--format',
      '{{.Names}} {{.Ports}}',
    );
    const open = published.split('\n').filter((line) => line.includes('->') && !line.includes('provider'));
    expect(open).toHaveLength(1);
    expect(open[0]).toMatch(/nginx-1 .*127\.0\.0\.1:\d+->8080\/tcp$/);
    for (const path of ['/metrics', '/', '/socket']) expect((await fetch(`${fleet.url}${path}`)).status).toBe(404);
  });

  it('gives each container no more than it needs', async () => {
    for (const service of ['api', 'gateway', 'worker', 'nginx', 'redis', 'postgres'] as const) {
      const [inspected] = JSON.parse(await fleet.docker('inspect', await one(service))) as Inspected[];
      if (!inspected) throw new Error(`there is no ${service}`);
      const { HostConfig: host, Config: config } = inspected;
      expect(host.RestartPolicy.Name).toBe('unless-stopped');
      expect(host.Memory).toBeGreaterThan(0);
      expect(host.LogConfig.Config).toMatchObject({ 'max-size': '10m', 'max-file': '3' });
      if (service === 'postgres') continue; // its image begins as root, to own its data, and goes on as postgres
      expect(`${service} ${config.User}`).toMatch(/ [1-9]\d*:[1-9]\d*$/);
      expect(host).toMatchObject({ ReadonlyRootfs: true, Init: true });
    }
    const bytes = Number(await fleet.docker('image', 'inspect', '--format', '{{.Size}}', 'agent-nexus:test'));
    expect(bytes).toBeLessThan(400e6);
  });

  it('passes event streams on as they are written', async () => {
    const slow = await fleet.agent('t20-n20-d100');
    const answer = await fetch(`${fleet.url}/api/invoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ agentId: slow, message: 'stream it' }),
    });
    let firstDeltaAt = 0;
    let text = '';
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (firstDeltaAt === 0 && text.includes('message.delta')) firstDeltaAt = performance.now();
    }
    expect(text).toContain('invocation.completed');
    expect(performance.now() - firstDeltaAt).toBeGreaterThan(1_000); // of an answer of two seconds
  });

  it('passes chunks of OpenAI’s protocol on as they are written, and its refusals', async () => {
    const model = await fleet.agent('t22-n20-d100');
    const answer = await fetch(`${fleet.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'in chunks' }], stream: true }),
    });
    let firstChunkAt = 0;
    let text = '';
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (firstChunkAt === 0 && text.includes('word0')) firstChunkAt = performance.now();
    }
    expect(text).toContain('[DONE]');
    expect(performance.now() - firstChunkAt).toBeGreaterThan(1_000);
    const body = JSON.stringify('x'.repeat(2_200_000));
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(`${fleet.url}/v1/chat/completions`, { method: 'POST', headers, body });
    expect([refused.status, await refused.json()]).toMatchObject([413, { error: { type: 'invalid_request_error' } }]);
    expect((await fetch(`${fleet.url}/v1/nothing`)).status).toBe(404);
  });

  it('has no queue board until there is a password', async () => {
    expect((await fetch(`${fleet.url}/admin/queues`)).status).toBe(404);
  });

  it('refuses the example passwords beyond loopback, before anything is started', async () => {
    const refused = fleet.compose(['run', '--rm', '--no-deps', 'preflight'], { NEXUS_BIND: '0.0.0.0' }).then(
      () => null,
      (error: { stderr: string }) => error.stderr,
    );
    expect(await refused).toMatch(/NEXUS_POSTGRES_PASSWORD: is still the example/);
    const config = JSON.parse(await fleet.compose(['config', '--format', 'json'])) as {
      services: Record<string, { depends_on?: Record<string, { condition: string }> }>;
    };
    for (const service of ['postgres', 'redis'])
      expect(config.services[service]?.depends_on?.preflight?.condition).toBe('service_completed_successfully');
  });

  it('goes on while workers are scaled 1 → 4 → 1', async () => {
    await fleet.scale({ worker: 1 });
    await busy(10, async () => {
      await sleep(2_000);
      await fleet.scale({ worker: 4 });
      await fleet.healthy('worker');
      await sleep(3_000);
      await fleet.scale({ worker: 1 });
      await sleep(2_000);
    });
  });

  it('loses nothing when one worker, one gateway and one API are killed', async () => {
    await busy(10, async () => {
      for (const service of ['worker', 'gateway', 'api'] as const) {
        await sleep(1_500);
        await fleet.docker('kill', await one(service));
      }
      await sleep(4_000);
    });
  });

  it('is restarted service by service without a failed invocation or a gap', async () => {
    const before = await Promise.all((['api', 'gateway', 'worker'] as const).map(fleet.containers));
    await busy(10, async () => {
      const env = { ...process.env, ...fleet.environment, COMPOSE: fleet.command };
      await run('sh', [`${root}deploy/roll.sh`, 'worker', 'gateway', 'api'], { cwd: root, env });
      await fleet.docker('restart', await one('nginx'));
      await fleet.healthy('nginx');
      await sleep(2_000);
    });
    const after = await Promise.all((['api', 'gateway', 'worker'] as const).map(fleet.containers));
    expect(after.map((names) => names.length)).toEqual(before.map((names) => names.length));
    expect(after.flat().filter((name) => before.flat().includes(name))).toEqual([]);
  });

  it.each(['queue', 'database'] as const)('loses nothing when a worker is cut off from the %s', async (name) => {
    await busy(10, async () => {
      await sleep(1_500);
      const worker = await one('worker');
      await fleet.docker('network', 'disconnect', fleet.network(name), worker);
      await sleep(12_000);
      await fleet.docker('network', 'connect', fleet.network(name), worker);
      await fleet.healthy('worker');
      await sleep(2_000);
    });
  });

  it.each(['redis', 'postgres'] as const)('loses nothing when %s is restarted', async (service) => {
    await busy(10, async () => {
      await sleep(1_500);
      await fleet.docker('restart', await one(service));
      await fleet.healthy(service);
      await sleep(4_000);
    });
    await fleet.healthy('api', 'gateway', 'worker');
  });

  it('runs the old and the new image side by side through a migration that adds a column', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nexus-next-'));
    try {
      await writeNextVersion(folder);
      await fleet.docker('build', '--quiet', '--tag', 'agent-nexus:next', folder);
    } finally {
      await rm(folder, { recursive: true });
    }
    const next = { NEXUS_IMAGE_TAG: 'next' };
    await busy(10, async () => {
      await sleep(1_000);
      await fleet.compose(['run', '--rm', '--no-deps', 'migrate'], next);
      await sleep(2_000);
      await fleet.scale({ api: 3, gateway: 3, worker: 5 }, next);
      await fleet.healthy('api', 'gateway', 'worker');
      await sleep(4_000);
    });
    const columns = await fleet.sql(
      `SELECT 1 FROM information_schema.columns WHERE table_name = 'invocation' AND column_name = 'annotation'`,
    );
    expect(columns).toHaveLength(1);
    for (const service of ['api', 'gateway', 'worker'] as const) {
      const images = await Promise.all(
        (await fleet.containers(service)).map((name) => fleet.docker('inspect', '--format', '{{.Config.Image}}', name)),
      );
      expect(new Set(images)).toEqual(new Set(['agent-nexus:test', 'agent-nexus:next']));
    }
  });

  /** The project with a column more, as a commit that adds one would have it. */
  async function writeNextVersion(folder: string): Promise<void> {
    const { stdout } = await run('git', ['ls-files'], { cwd: root });
    for (const file of stdout.trim().split('\n')) {
      await mkdir(join(folder, file, '..'), { recursive: true });
      await cp(join(root, file), join(folder, file));
    }
    const schema = await readFile(join(folder, 'prisma/schema.prisma'), 'utf8');
    await writeFile(
      join(folder, 'prisma/schema.prisma'),
      schema.replace(/^model Invocation \{$/m, 'model Invocation {\n  annotation String?'),
    );
    const migration = join(folder, 'prisma/migrations/20991231000000_annotation');
    await mkdir(migration);
    await writeFile(join(migration, 'migration.sql'), 'ALTER TABLE "invocation" ADD COLUMN "annotation" TEXT;\n');
  }

  async function metric(container: string, port: number, name: string): Promise<number> {
    const read = `fetch('http://127.0.0.1:${port}/metrics').then((r) => r.text()).then((t) => console.log(t))`;
    const text = await waitUntil(() => fleet.docker('exec', container, 'node', '-e', read), { what: 'metrics' });
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.split(' ')[1] ?? 0);
  }
});
