import { openDatabase } from '@nexus/common/postgres/open-database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployMigrations, readMigrationStatus } from '../prisma/migrate.ts';
import { seed } from '../prisma/seed.ts';
import { createApiClient, type ShownInvocation } from './support/api-client.ts';
import { openTestDatabase, type TestDatabase } from './support/open-test-database.ts';
import { type Stack, startStack } from './support/start-stack.ts';

/** Settings of a database that differ from what statements and drivers expect. */
const oddSettings: Record<string, string> = {
  TimeZone: 'Asia/Kolkata',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  client_encoding: 'LATIN1',
  search_path: 'elsewhere',
  default_transaction_isolation: 'serializable',
  statement_timeout: '150ms',
  lock_timeout: '1ms',
  idle_session_timeout: '150ms',
  idle_in_transaction_session_timeout: '150ms',
  transaction_timeout: '150ms',
};

async function setOddly({ url }: TestDatabase): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT name FROM pg_settings');
  const known = new Set(rows.map(({ name }) => name));
  const name = new URL(url).pathname.slice(1);
  for (const [setting, value] of Object.entries(oddSettings))
    if (known.has(setting)) await client.query(`ALTER DATABASE ${name} SET ${setting} = ${toValue(setting, value)}`);
  await client.query('CREATE SCHEMA elsewhere');
  await client.end();
}

const toValue = (setting: string, value: string) => (setting === 'search_path' ? value : `'${value}'`);

const isRecent = (time: string) => Math.abs(Date.now() - Date.parse(time)) < 60_000;

describe('a database with odd settings', () => {
  let stack: Stack;
  beforeAll(async () => {
    const database = await openTestDatabase();
    await setOddly(database);
    stack = await startStack(database, { apis: 2 });
  });
  afterAll(() => stack.close());

  it('is migrated and seeded', async () => {
    const empty = await openTestDatabase({ empty: true });
    const { database, close } = openDatabase(empty.url, { poolSize: 1, name: 'test', logger: { warn() {} } });
    try {
      await setOddly(empty);
      const applied = await Promise.all([deployMigrations(empty.url), deployMigrations(empty.url)]); // one waits for the other
      expect(applied.flat().length).toBeGreaterThan(0);
      expect(await readMigrationStatus(empty.url)).toEqual({ pending: [], failed: [], edited: [], unknown: [] });
      expect(await seed(empty.url, { withEcho: true })).toBeGreaterThan(0);
      expect((await database.agent.findFirstOrThrow()).createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    } finally {
      await close();
      await empty.close();
    }
  });

  it('shows the same times in the answer to a POST and in later reads', async () => {
    const message = 'Zażółć gęślą jaźń, 漢字 🙂 \\ \' "';
    const posted = await stack.api.invoke({ agentId: stack.echoAgentId, message });
    expect(posted.status).toBe(202);
    const { id, createdAt } = posted.body as ShownInvocation & { createdAt: string };
    expect(isRecent(createdAt)).toBe(true);
    expect(await stack.api.finished(id)).toMatchObject({ status: 'completed', output: `You said: ${message}` });
    const { body } = await stack.api.get<Record<string, string>>(`/api/invocations/${id}`);
    expect(body.createdAt).toBe(createdAt);
    for (const time of ['enqueuedAt', 'startedAt', 'firstTokenAt', 'finishedAt'])
      expect(isRecent(body[time] ?? '')).toBe(true);
    const messages = `/api/conversations/${posted.body.conversationId}/messages`;
    for (const each of (await stack.api.get<{ createdAt: string }[]>(messages)).body)
      expect(isRecent(each.createdAt)).toBe(true);
  });

  it('stores the times and the numbers of agents unchanged', async () => {
    type Agent = { id: string; createdAt: string; updatedAt: string; temperature: number };
    const { body: made } = await stack.api.send<Agent>('POST', '/api/agents', {
      name: 'Odd',
      provider: 'echo',
      model: 'echo',
      temperature: 0.30000000000000004,
    });
    const { body: changed } = await stack.api.send<Agent>('PATCH', `/api/agents/${made.id}`, { avatar: 'x' });
    const { body: read } = await stack.api.get<Agent>(`/api/agents/${made.id}`);
    expect(read).toEqual(changed);
    expect([read.createdAt, read.temperature]).toEqual([made.createdAt, 0.30000000000000004]);
    const [stored] = await stack.database.query<{ created: number; updated: number }>`
      SELECT extract(epoch FROM created_at)::float8 * 1000 AS created, extract(epoch FROM updated_at)::float8 * 1000 AS updated
      FROM agent WHERE id = ${made.id}::uuid`;
    expect(stored).toEqual({ created: Date.parse(read.createdAt), updated: Date.parse(read.updatedAt) });
    expect([isRecent(read.createdAt), isRecent(read.updatedAt)]).toEqual([true, true]);
  });

  it('accepts many messages at a time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        stack.api.invoke({ agentId: stack.echoAgentId, message: `together ${index}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
    for (const { body } of answers) {
      const { status, error, finishReason } = (await stack.api.finished(body.id)) as ShownInvocation & {
        finishReason: string;
      };
      expect([status, error, finishReason]).toEqual(['completed', null, 'stop']);
    }
    expect(await stack.database.invocation.count({ where: { idempotencyKey: { not: null } } })).toBe(0);
  });

  it('stores the same key once, and accepts many messages of one conversation', async () => {
    const { body } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const request = (index: number) => ({
      agentId: stack.echoAgentId,
      message: `message ${index}`,
      conversationId: body.id,
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        createApiClient(() => stack.apis[index % 2]?.url ?? '').invoke(request(index >> 1), {
          'idempotency-key': `odd-${index >> 1}`,
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
    const ids = new Set(answers.map(({ body: { id } }) => id));
    expect(ids.size).toBe(10);
    for (const id of ids) expect((await stack.api.finished(id)).status).toBe('completed');
  });

  it('keeps deadlines', async () => {
    const late = await stack.api.send<{ id: string }>('POST', '/api/agents', {
      name: 'Nobody',
      provider: 'ollama',
      model: 'none',
    });
    await stack.start('worker', { WORKER_PROVIDERS: 'echo' });
    const slow = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'in time', deadlineMs: 30_000 });
    expect((await stack.api.finished(slow.body.id)).status).toBe('completed');
    const { body } = await stack.api.invoke({ agentId: late.body.id, message: 'too late', deadlineMs: 1 });
    expect((await stack.api.finished(body.id)).error?.code).toBe('deadline_exceeded');
  });

  it('breaks no connection in all these tests', () => {
    const logs = [...stack.apis, ...stack.gateways, ...stack.workers].map((service) => service.output()).join('');
    expect(logs).not.toMatch(/lost a database connection|lost its connection|heartbeat failed|sweep failed/);
  });
});
