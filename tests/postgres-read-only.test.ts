import { lifeLockSpace } from '@nexus/common/postgres/is-life-lock-held';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/create-test-database.ts';
import { openPostgresPair } from './support/open-postgres-pair.ts';
import { openTestDatabase } from './support/open-test-database.ts';
import { type Stack, startStack } from './support/start-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Problem = { code: string };

describe('a read-only Postgres', () => {
  let stack: Stack;
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(database: TestDatabase): Promise<void> {
    stack = await startStack(database);
    closing.push(stack.close);
  }
  const services = () => [...stack.apis, ...stack.gateways, ...stack.workers];
  const isEverybody = async (status: number) => {
    const answers = await Promise.all(services().map(({ url }) => fetch(`${url}/readyz`)));
    return answers.every((answer) => answer.status === status);
  };
  const post = async (message: string) => {
    const { status, headers, body } = await stack.api.invoke({ agentId: stack.echoAgentId, message });
    return { id: body.id, status, code: (body as unknown as Problem).code, retryAfter: headers.get('retry-after') };
  };
  const refusal = { id: undefined, status: 503, code: 'database_unavailable', retryAfter: '1' };
  const messages = () => stack.database.message.count({ where: { content: 'refused' } });

  /** Enough reads at once to make the pool open all its connections. */
  const readTogether = () => Promise.all(Array.from({ length: 30 }, () => stack.api.get('/api/conversations')));

  it('answers a POST with 503, and connections from that time are not used afterwards', async () => {
    const database = await openTestDatabase();
    const name = new URL(database.url).pathname.slice(1);
    const admin = new pg.Client({ connectionString: new URL('/postgres', database.url).href });
    await admin.connect();
    closing.push(() => admin.end());
    await open(database);

    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name LIKE 'nexus-%'`,
    );
    await waitUntil(() => isEverybody(503), { what: 'all to be unready', everyMs: 50 });
    expect(await post('refused')).toEqual(refusal);
    expect((await stack.api.get('/api/agents')).status).toBe(200);
    const agent = await stack.api.send<Problem>('POST', '/api/agents', { name: 'x', provider: 'echo', model: 'echo' });
    expect([agent.status, agent.body.code]).toEqual([503, 'database_unavailable']);
    await readTogether();

    await admin.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    const [first, second] = [await post('after'), await post('after')];
    if (first.status !== 202) expect(first).toEqual(refusal);
    expect(second.status).toBe(202);
    expect((await stack.api.finished(second.id)).status).toBe('completed');
    await waitUntil(() => isEverybody(200), { what: 'all to be ready' });
    expect(await messages()).toBe(0);
  });

  it('is disconnected after the address led to a standby, also by the life lock', async () => {
    const pair = await openPostgresPair();
    closing.push(pair.close);
    const { url, close } = await createTestDatabase(pair.primary.url);
    await open({ url: pair.throughProxy(url), close });
    const began = await post('before');
    expect((await stack.api.finished(began.id)).status).toBe('completed');

    pair.leadToStandby();
    await waitUntil(() => isEverybody(503), { what: 'all to be unready', everyMs: 50 });
    await waitUntil(async () => (await post('refused')).code === 'database_unavailable', { what: 'a refusal' });
    expect(await post('refused')).toEqual(refusal);

    await readTogether();
    pair.leadBack();

    const [first, second] = [await post('after'), await post('after')];
    if (first.status !== 202) expect(first).toEqual(refusal);
    expect(second.status).toBe(202);
    expect(await stack.api.finished(second.id)).toMatchObject({ status: 'completed', attempt: 1 });
    await waitUntil(() => isEverybody(200), { what: 'all to be ready' });

    const isLockHeld = async () => {
      const [row] = await stack.database.query<{ held: number }>`
        SELECT count(*)::int AS held FROM worker w JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted
          AND l.classid = ${lifeLockSpace}::int::oid AND l.objid = w.lock_key::int::oid`;
      return row?.held === 1;
    };
    await waitUntil(isLockHeld, { what: 'the worker to hold its life lock on the primary' });
    expect(await messages()).toBe(0);
  }, 90_000);
});
