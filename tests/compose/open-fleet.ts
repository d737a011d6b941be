import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment, Wait } from 'testcontainers';
import { freePort } from '../../scripts/local-stack/free-port.ts';
import { type ApiClient, createApiClient, type ShownInvocation } from '../support/api-client.ts';
import { assertShown } from '../support/assert-shown.ts';
import { waitUntil } from '../support/wait-until.ts';
import { nameTo, type Watcher, watch } from '../support/watch-conversation.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const ownFiles = ['docker-compose.yml', 'tests/compose/compose.provider.yaml'];
const oneShots = ['preflight', 'migrate', 'first-key'];

export type Scale = { api: number; gateway: number; worker: number };
export type ServiceName = keyof Scale | 'postgres' | 'redis' | 'nginx';

export type Accepted = { id: string; conversationId: string; message: string };

export type Fleet = {
  url: string;
  api: ApiClient;
  /** What compose is told, for commands of one's own. */
  environment: Record<string, string>;
  /** `docker compose` with the project and the files of this fleet. */
  command: string;
  agent(model: string): Promise<string>;
  /** Posts as a careful client does: with an idempotency key, again while the system says 503. */
  post(agentId: string, conversationId: string): Promise<Accepted>;
  newConversations(count: number): Promise<string[]>;
  /** Watches through the proxy, on both transports alike. */
  watchAll(conversationIds: string[], clients: number): Promise<Watcher[]>;
  /** Asserts that everything accepted is completed, shown to every watcher as it is stored, and paid for once per attempt. */
  settle(): Promise<void>;
  /** Resolves once the invocation is over, through a proxy whose servers come and go. */
  ended(invocationId: string): Promise<ShownInvocation>;
  /** Begins a new book of what was accepted and watched. */
  forget(): void;
  docker(...args: string[]): Promise<string>;
  compose(args: string[], env?: Record<string, string>): Promise<string>;
  /** Names of the running containers of a service. */
  containers(service: ServiceName): Promise<string[]>;
  /** Until every container of these services is healthy. */
  healthy(...services: ServiceName[]): Promise<void>;
  scale(scale: Partial<Scale>, env?: Record<string, string>): Promise<void>;
  sql<T>(query: string): Promise<T[]>;
  network(name: 'database' | 'queue'): string;
  close(): Promise<void>;
};

let numbered = 0;

export type FleetOptions = {
  /** Compose files to lay over the others. */
  files?: string[];
  environment?: Record<string, string>;
};

/** The compose file as it is, on a real engine, with a provider beside it. */
export async function openFleet(scale: Scale, options: FleetOptions = {}): Promise<Fleet> {
  const files = [...ownFiles, ...(options.files ?? [])];
  const project = `nexus-test-${process.pid}`;
  const port = await freePort();
  const countsPort = await freePort();
  const environment = {
    NEXUS_PORT: String(port),
    NEXUS_AUTH: 'off',
    NEXUS_IMAGE_TAG: 'test',
    TEST_COUNTS_PORT: String(countsPort),
    OPENAI_API_KEY: 'test-key',
    OPENAI_BASE_URL: 'http://provider:4000/v1',
    SHUTDOWN_GRACE_MS: '10000',
    LOG_LEVEL: 'warn',
    ...options.environment,
  };
  const scaling = Object.entries(scale).flatMap(([service, count]) => ['--scale', `${service}=${count}`]);
  let description = new DockerComposeEnvironment(root, files)
    .withProjectName(project)
    .withBuild()
    .withEnvironment(environment)
    .withClientOptions({ commandOptions: scaling })
    .withDefaultWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(180_000);
  for (const service of oneShots) description = description.withWaitStrategy(`${service}-1`, Wait.forOneShotStartup());
  const started: StartedDockerComposeEnvironment = await description.up();

  const url = `http://127.0.0.1:${port}`;
  const api = createApiClient(() => url);
  let accepted: Accepted[] = [];
  let watchers: Watcher[] = [];

  const docker = async (...args: string[]) => (await run('docker', args, { maxBuffer: 64e6 })).stdout.trim();
  const command = ['docker compose -p', project, ...files.map((file) => `-f ${root}${file}`)].join(' ');
  const compose = async (args: string[], env: Record<string, string> = {}) => {
    const named = files.flatMap((file) => ['-f', `${root}${file}`]);
    const { stdout } = await run('docker', ['compose', '-p', project, ...named, ...args], {
      cwd: root,
      env: { ...process.env, ...environment, ...env },
      maxBuffer: 64e6,
    });
    return stdout.trim();
  };
  const containers = async (service: ServiceName) => {
    const label = `label=com.docker.compose.service=${service}`;
    const own = `label=com.docker.compose.project=${project}`;
    const names = await docker('ps', '--filter', own, '--filter', label, '--format', '{{.Names}}');
    return names
      .split('\n')
      .filter((name) => name !== '')
      .sort();
  };
  const healthy = async (...services: ServiceName[]) => {
    for (const service of services) {
      await waitUntil(
        async () => {
          const names = await containers(service);
          if (names.length === 0) return false;
          const states = await docker('inspect', '--format', '{{.State.Health.Status}}', ...names);
          return states.split('\n').every((state) => state === 'healthy');
        },
        { what: `${service} to be healthy`, timeoutMs: 60_000, everyMs: 250 },
      );
    }
  };

  async function settle(): Promise<void> {
    const shown = new Map<string, ShownInvocation>();
    for (const { id } of accepted) {
      const invocation = await ended(id);
      if (invocation.status !== 'completed')
        throw new Error(`I1: ${id} is ${invocation.status}: ${JSON.stringify(invocation.error)}`);
      shown.set(id, invocation);
    }
    await assertShown({ accepted, watchers }, (id) => shown.get(id)?.output ?? '');
    const calls = (await (await fetch(`http://127.0.0.1:${countsPort}`)).json()) as Record<string, number>;
    for (const { id, message } of accepted) {
      const { attempt = 0, usage = [] } = shown.get(id) ?? {};
      const count = calls[message] ?? 0;
      if (count < 1 || count > attempt) throw new Error(`I3: ${count} calls for ${attempt} attempts of ${id}`);
      if (usage.length < count) throw new Error(`I3: ${count} calls, ${usage.length} usage records of ${id}`);
    }
  }

  function forget(): void {
    for (const watcher of watchers) watcher.close();
    accepted = [];
    watchers = [];
  }

  async function ended(id: string): Promise<ShownInvocation> {
    return waitUntil(
      async () => {
        const answer = await api.get<ShownInvocation>(`/api/invocations/${id}?wait=20`).catch(() => null);
        if (answer?.status !== 200) return null;
        return answer.body.status === 'queued' || answer.body.status === 'running' ? null : answer.body;
      },
      { what: `the end of ${id}`, timeoutMs: 120_000, everyMs: 200 },
    );
  }

  async function post(agentId: string, conversationId: string): Promise<Accepted> {
    numbered += 1;
    const message = `message ${numbered}`;
    return waitUntil(
      async () => {
        const body = { agentId, message, conversationId };
        const answer = await api.invoke(body, { 'idempotency-key': `key-${message.slice(8)}` }).catch(() => null);
        if (answer === null || answer.status === 503) return null;
        if (answer.status !== 202)
          throw new Error(`POST was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
        const entry = { id: answer.body.id, conversationId, message };
        accepted.push(entry);
        nameTo(watchers, entry);
        return entry;
      },
      { what: 'a request to be accepted', timeoutMs: 60_000, everyMs: 200 },
    );
  }

  return {
    url,
    api,
    environment,
    command,
    async agent(model) {
      const answer = await api.send<{ id: string }>('POST', '/api/agents', { name: model, provider: 'openai', model });
      if (answer.status !== 201) throw new Error(`the agent was not made: ${JSON.stringify(answer.body)}`);
      return answer.body.id;
    },
    post,
    newConversations: (count) =>
      Promise.all(
        Array.from(
          { length: count },
          async () => (await api.send<{ id: string }>('POST', '/api/conversations', {})).body.id,
        ),
      ),
    async watchAll(conversationIds, clients) {
      for (let index = 0; index < clients; index += 1) {
        const conversationId = conversationIds[index % conversationIds.length] ?? '';
        const transports: ('websocket' | 'polling')[] = index % 4 === 3 ? ['polling'] : ['websocket'];
        watchers.push(await watch(url, { conversationId, transports }));
      }
      return watchers;
    },
    settle,
    ended,
    forget,
    docker,
    compose,
    containers,
    healthy,
    async scale(wanted, env) {
      for (const [service, count] of Object.entries(wanted))
        await compose(['up', '-d', '--no-deps', '--no-recreate', '--scale', `${service}=${count}`, service], env);
    },
    async sql<T>(query: string) {
      const [postgres = ''] = await containers('postgres');
      const wrapped = `SELECT coalesce(json_agg(r), '[]') FROM (${query}) r`;
      return JSON.parse(await docker('exec', postgres, 'psql', '-U', 'nexus', '-d', 'nexus', '-tAc', wrapped)) as T[];
    },
    network: (name) => `${project}_${name}`,
    async close() {
      forget();
      await started.down({ removeVolumes: true });
    },
  };
}
