import { randomBytes } from 'node:crypto';
import { scopes } from '@nexus/common/principals/scope';
import { Redis } from 'ioredis';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { makeKey } from '../make-key.ts';
import { openProviderServer, type ProviderServer } from '../open-provider-server.ts';
import { openTestDatabase } from '../open-test-database.ts';
import { openTraceReceiver, type TraceReceiver } from '../open-trace-receiver.ts';
import type { ServiceName } from '../start-service.ts';
import { type Stack, startStack } from '../start-stack.ts';
import { waitUntil } from '../wait-until.ts';
import { readKeys, readTables, toPlace, type Written, watchCommands } from './findings.ts';
import { createMarks, type Marks } from './marks.ts';

export type Tracing = 'off' | 'without content' | 'with content';

type Sent = { body?: unknown; raw?: string; headers?: Record<string, string>; token?: string | null };
export type Reply = { status: number; headers: Headers; text: string; body: Record<string, string> };

export type Canary = {
  marks: Marks;
  stack: Stack;
  provider: ProviderServer;
  /** What stands in for Gemini: its errors alone are of interest here. */
  gemini: ProviderServer;
  operator: string;
  adminPassword: string;
  /** With which the provider server is called. */
  providerKey: string;
  geminiKey: string;
  /** One more process of a service, or what it said when it could not start. */
  start(name: ServiceName, env: Record<string, string>): Promise<void>;
  /** Sends a request, with the operator's key unless another token (null: none) is given, and keeps what was answered. */
  ask(method: string, path: string, sent?: Sent): Promise<Reply>;
  /** Resolves once the invocation is over. */
  over(id: string): Promise<Reply>;
  /** A socket whose every event is kept. */
  connect(token: string): Promise<Socket>;
  /** Everything that the system wrote so far, once its processes have ended. */
  collect(): Promise<Written[]>;
  close(): Promise<void>;
};

/** The whole system, each of its secrets marked. */
export async function openCanary(tracing: Tracing): Promise<Canary> {
  const marks = createMarks();
  const secret = (name: string) => marks.make('secret', name);
  const written: Written[] = [];
  const provider = await openProviderServer();
  const gemini = await openProviderServer();
  const receiver = tracing === 'off' ? null : await openTraceReceiver();
  const testDatabase = await openTestDatabase();
  const role = await openRole(testDatabase.url, secret('the password of Postgres'));
  const adminPassword = secret('ADMIN_PASSWORD');
  const redisPassword = secret('the password of Redis');
  const providerKey = secret('OPENAI_API_KEY');
  const geminiKey = secret('GEMINI_API_KEY');
  const stack = await startStack(testDatabase, {
    workers: 1,
    redisUrlFor: (url) => addRedisUser(url, redisPassword),
    env: {
      NEXUS_AUTH: 'keys',
      NEXUS_SECRETS: `${secret('the newest of NEXUS_SECRETS')},${secret('an older one of NEXUS_SECRETS')}`,
      DATABASE_URL: role.url,
      DATABASE_PASSWORD: role.password,
      REDIS_PASSWORD: redisPassword,
      OPENAI_API_KEY: providerKey,
      OPENAI_BASE_URL: provider.url,
      GEMINI_API_KEY: geminiKey,
      GEMINI_BASE_URL: new URL(gemini.url).origin,
      ADMIN_PASSWORD: adminPassword,
      LOG_LEVEL: 'trace',
      ...toTracingSettings(receiver, tracing, secret('OTEL_EXPORTER_OTLP_HEADERS')),
    },
  });
  const operator = noteToken(await makeKey(testDatabase.url, scopes));
  const commands = await watchCommands(stack.testRedis.url);
  const sockets: Socket[] = [];

  /** What is shown of a token is not secret: its id and its last four characters. */
  function noteToken(token: string): string {
    marks.note('the secret of a key', token.split('_')[2]?.slice(0, -4) ?? token);
    return token;
  }

  function noteMade(path: string, { headers, body }: Reply): void {
    if (body.token?.startsWith('nx_')) noteToken(body.token);
    else if (body.token) marks.note('a short token', body.token.split('.')[2] ?? body.token);
    const cookie = /nexus_session=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1];
    if (cookie) marks.note(`the session of ${path}`, cookie.split('.')[2] ?? cookie);
  }

  const canary: Canary = {
    marks,
    stack,
    provider,
    gemini,
    operator,
    adminPassword,
    providerKey,
    geminiKey,
    async start(name, env) {
      await stack.start(name, env).catch(({ message }: Error) => written.push({ place: `log ${name}`, text: message }));
    },
    async ask(method, path, { body, raw, headers = {}, token = operator } = {}) {
      const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const response = await fetch(`${stack.apiUrl}${path}`, {
        method,
        headers: {
          ...(content === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
      });
      const text = await response.text();
      const reply = { status: response.status, headers: response.headers, text, body: parseObject(text) };
      noteMade(path, reply);
      const place = `http ${method} ${toPlace(path.split('?')[0] ?? '')} ${reply.status}`;
      written.push({ place, text: `${JSON.stringify([...response.headers])}\n${text}` });
      return reply;
    },
    over: (id) => canary.ask('GET', `/api/invocations/${id}?wait=30`),
    async connect(token) {
      const socket = io(stack.gatewayUrl, { transports: ['websocket'], reconnection: false, auth: { token } });
      sockets.push(socket);
      socket.onAny((name: string, ...data) => written.push({ place: `socket ${name}`, text: JSON.stringify(data) }));
      const refused = (error: Error & { data?: unknown }) =>
        written.push({ place: 'socket refused', text: `${error.message} ${JSON.stringify(error.data)}` });
      await new Promise<void>((resolve) => {
        socket.once('connection:ready', () => resolve());
        socket.once('connect_error', (error) => {
          refused(error);
          resolve();
        });
      });
      return socket;
    },
    async collect() {
      const services = { api: stack.apis, gateway: stack.gateways, worker: stack.workers };
      const metrics: Written[] = [];
      for (const [name, processes] of Object.entries(services))
        for (const { url } of processes)
          for (const path of ['/metrics', '/readyz', '/livez', '/nothing'])
            await fetch(`${url}${path}`).then(
              async (answer) => metrics.push({ place: `health ${name} ${path}`, text: await answer.text() }),
              () => {}, // it was killed
            );
      const stored = [...(await readTables(stack.database)), ...(await readKeys(stack.redis as Redis))];
      await Promise.all(Object.values(services).flatMap((processes) => processes.map((service) => service.stop())));
      const logs = Object.entries(services).flatMap(([name, processes]) =>
        processes.map((service) => ({ place: `log ${name}`, text: service.output() })),
      );
      const traces = (receiver?.requests ?? []).map(({ body }) => ({ place: 'traces', text: body }));
      return [...written, ...metrics, ...stored, ...commands.written(), ...logs, ...traces];
    },
    async close() {
      for (const socket of sockets) socket.close();
      commands.stop();
      await stack.close();
      await role.drop();
      await provider.close();
      await gemini.close();
      await receiver?.close();
    },
  };
  return canary;
}

function toTracingSettings(receiver: TraceReceiver | null, tracing: Tracing, header: string): Record<string, string> {
  if (receiver === null) return {};
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${header}`,
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: String(tracing === 'with content'),
  };
}

/** A user of Postgres with this password, and the database's address for it, without the password. */
async function openRole(url: string, password: string) {
  const name = `canary_${randomBytes(4).toString('hex')}`;
  const run = async (sql: string, database: string) => {
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await run(`CREATE ROLE ${name} LOGIN SUPERUSER PASSWORD '${password}'`, url);
  const ofRole = new URL(url);
  ofRole.username = name;
  ofRole.password = '';
  const server = new URL(url);
  server.pathname = '/postgres';
  return { url: ofRole.href, password, drop: () => run(`DROP ROLE ${name}`, server.href) };
}

/** Redis' address for a user with this password, without the password. */
async function addRedisUser(url: string, password: string): Promise<string> {
  const redis = new Redis(url);
  await redis.acl('SETUSER', 'canary', 'on', `>${password}`, '~*', '&*', '+@all');
  redis.disconnect();
  return url.replace('redis://', 'redis://canary@');
}

function parseObject(text: string): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, string>) : {};
  } catch {
    return {};
  }
}

/** Waits until the provider has begun to answer this message. */
export async function begun({ provider }: Pick<Canary, 'provider'>, message: string): Promise<void> {
  await waitUntil(() => (provider.callsFor(message)[0]?.sent.length ?? 0) > 0, { what: 'an answer to begin' });
}
