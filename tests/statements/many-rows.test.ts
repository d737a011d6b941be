import { createWaitingAnnouncer } from '@nexus/common/invocations/announce-waiting';
import { type Insertion, insertInvocations, toItem } from '@nexus/common/invocations/insert-invocations';
import { toInsertStatement } from '@nexus/common/invocations/insert-statement';
import { joinSystemText } from '@nexus/common/invocations/invocation-context';
import type { NewInvocation } from '@nexus/common/invocations/new-invocation';
import { cancelInvocation } from '@nexus/common/invocations/status/cancel-invocation';
import { claimInvocations, loadContextSource } from '@nexus/common/invocations/status/claim-invocations';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import { handBackInvocation } from '@nexus/common/invocations/status/hand-back-invocation';
import { markEnqueued } from '@nexus/common/invocations/status/mark-enqueued';
import { redispatchInvocation } from '@nexus/common/invocations/status/redispatch-invocation';
import { requeueLost } from '@nexus/common/invocations/status/requeue-lost';
import { noteUsage, unknownUsage } from '@nexus/common/invocations/usage-record';
import { lifeLockSpace } from '@nexus/common/postgres/is-life-lock-held';
import { newId } from '@nexus/common/postgres/new-id';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPageIds } from '../../services/api/src/http/load-page-ids.ts';
import { beatHeart, registerWorker } from '../../services/worker/src/presence/worker-row.ts';
import { contextsPerStep, dropContexts } from '../../services/worker/src/sweep/drop-contexts.ts';
import { findEnqueued, findRecoveries } from '../../services/worker/src/sweep/find-recoveries.ts';
import { openTestDatabase, type TestDatabase } from '../support/open-test-database.ts';
import { waitUntil } from '../support/wait-until.ts';

const ending: Omit<Ending, 'invocationId' | 'conversationId' | 'attempt'> = {
  status: 'completed',
  error: null,
  lastSeq: 9,
  step: {
    text: 'the answer',
    textTokens: 2,
    reasoning: '',
    inputTokens: 1,
    finishReason: 'stop',
    firstTokenAgoMs: 5,
    usage: null,
  },
};

/** How many index entries of invocations all statements have read so far. */
async function countEntriesRead(database: Database): Promise<number> {
  await database.query`SELECT pg_stat_force_next_flush()`;
  const [row] = await database.query<{ read: bigint }>`
    SELECT sum(idx_tup_read)::bigint AS read FROM pg_stat_user_indexes WHERE relname = 'invocation'`;
  return Number(row?.read);
}

describe('statements for many rows', () => {
  let file: TestDatabase;
  let database: Database;
  let close: () => Promise<void>;
  let other: pg.Client;
  let agent: { id: string; workspaceId: string; provider: string };

  beforeAll(async () => {
    file = await openTestDatabase();
    ({ database, close } = openDatabase(file.url, { poolSize: 4, name: 'test', logger: { warn() {} } }));
    other = new pg.Client({ connectionString: file.url });
    await other.connect();
    agent = await database.agent.findFirstOrThrow({ where: { active: true } });
  });
  afterAll(async () => {
    await other.end();
    await close();
    await file.close();
  });

  const insertion = (input: Partial<NewInvocation> = {}, idempotencyKey: string | null = null): Insertion => ({
    principal: { workspaceId: agent.workspaceId, keyId: null, userId: null },
    input: { agentId: agent.id, message: 'Hello', multitaskStrategy: 'enqueue', metadata: {}, overrides: {}, ...input },
    idempotencyKey,
    requestHash: idempotencyKey === null ? null : new Uint8Array(32),
  });
  const insertOne = async (input: Partial<NewInvocation> = {}) => {
    const [result] = await insertInvocations(database, [insertion(input)]);
    if (!result?.created) throw new Error('not inserted');
    return result.created;
  };
  const startWorker = async () => {
    const id = newId();
    const lockKey = await registerWorker(database, {
      id,
      hostname: 'test',
      pid: 1,
      providers: [],
      unconfigured: [],
      concurrency: 1,
    });
    return { id, lockKey };
  };
  const silence = (workerId: string, seconds: number) =>
    database.query`UPDATE worker SET heartbeat_at = now() - ${seconds}::float8 * interval '1 s' WHERE id = ${workerId}::uuid`;
  const lock = (key: number) => other.query('SELECT pg_advisory_lock($1, $2)', [lifeLockSpace, key]);
  const unlock = (key: number) => other.query('SELECT pg_advisory_unlock($1, $2)', [lifeLockSpace, key]);
  const begin = async (workerId: string): Promise<Ending> => {
    const { id: invocationId } = await insertOne();
    const [claim] = await claimInvocations(database, [{ invocationId, dispatch: 1 }], workerId);
    if (!claim) throw new Error('not claimed');
    return { ...claim, ...ending };
  };

  it('insert each row independently, and return refused and known ones in the order of the input', async () => {
    const busy = await insertOne();
    const idle = await insertOne();
    await database.query`UPDATE conversation SET line = '{}' WHERE id = ${idle.conversationId}::uuid`;
    const [before] = await insertInvocations(database, [insertion({}, 'the-key')]);
    const results = await insertInvocations(database, [
      insertion({ agentId: newId() }),
      insertion({ conversationId: busy.conversationId, multitaskStrategy: 'reject' }),
      insertion({ message: 'new' }),
      insertion({ conversationId: newId() }),
      insertion({}, 'the-key'),
      insertion({ conversationId: idle.conversationId, multitaskStrategy: 'reject', message: 'again' }),
      insertion({ conversationId: (await insertOne()).conversationId, message: 'after it' }),
    ]);
    expect(results.map(({ created }) => created !== null)).toEqual([false, false, true, false, false, true, true]);
    expect(results[0]).toMatchObject({ agent: null, conversationFound: true });
    expect(results[1]).toMatchObject({ agent: { active: true }, conversationFound: true });
    expect(results[3]).toMatchObject({ conversationFound: false });
    expect(results[4]?.known?.id).toBe(before?.created?.id);
    const said = await database.message.findFirst({ where: { invocationId: results[2]?.created?.id ?? '' } });
    expect(said?.content).toBe('new');
    expect(results[5]).toMatchObject({ before: [], created: { conversationId: idle.conversationId, dispatch: 1 } });
    expect(results[6]).toMatchObject({ before: [expect.any(String)], created: { dispatch: 0 } });
    const positions = await database.message.findMany({
      where: { conversationId: idle.conversationId },
      orderBy: { position: 'asc' },
      select: { position: true, content: true },
    });
    expect(positions).toEqual([
      { position: 1, content: 'Hello' },
      { position: 2, content: 'again' },
    ]);
  });

  it('count the places of several waiting invocations', async () => {
    const created = [await insertOne(), await insertOne(), await insertOne()];
    const said: [string, unknown][] = [];
    const announceWaiting = createWaitingAnnouncer({
      database,
      logger: { warn() {} },
      appender: {
        append: async ({ invocationId }, _attempt, [event]) => {
          said.push([invocationId, event?.data]);
          return { seq: 1, cancelWanted: false };
        },
      },
    });
    for (const each of created) announceWaiting(each);
    await waitUntil(() => said.length === created.length, { what: 'all to be announced' });
    const count = await database.invocation.count({ where: { status: 'queued', provider: agent.provider } });
    expect(new Map(said)).toEqual(new Map(created.map(({ id }, at) => [id, { position: count - 2 + at }])));
  });

  it('mark invocations as enqueued, and return those that still wait', async () => {
    const worker = await startWorker();
    const taken = await begin(worker.id);
    const { id: waiting } = await insertOne();
    const jobs = [taken.invocationId, waiting].map((invocationId) => ({ invocationId, dispatch: 1 }));
    expect(await markEnqueued(database, jobs)).toEqual([{ invocationId: waiting, noted: true }]);
    expect(await markEnqueued(database, jobs)).toEqual([{ invocationId: waiting, noted: false }]);
  });

  it('do not read a backlog to find one row', async () => {
    const backlog = 500;
    const worker = await startWorker();
    const insertMany = async () => {
      const results = await insertInvocations(
        database,
        Array.from({ length: backlog }, () => insertion()),
      );
      return results.flatMap(({ created }) => (created ? [{ invocationId: created.id, dispatch: 1 }] : []));
    };
    await claimInvocations(database, await insertMany(), worker.id);
    await insertMany();
    const only = openDatabase(file.url, { poolSize: 1, name: 'test', logger: { warn() {} } });
    const entriesRead = () => countEntriesRead(only.database);
    try {
      await other.query('VACUUM (INDEX_CLEANUP ON) invocation'); // removes the dead entries of the claims
      const first = await insertOne();
      const before = await entriesRead();
      const [later] = await insertInvocations(only.database, [
        insertion({ conversationId: first.conversationId, multitaskStrategy: 'interrupt' }),
      ]);
      await markEnqueued(only.database, [{ invocationId: first.id, dispatch: 1 }]);
      const { id: claimable } = await insertOne();
      await silence(worker.id, 0); // sets the last heartbeat to now: on a busy machine the worker may count as dead
      const [claim] = await claimInvocations(only.database, [{ invocationId: claimable, dispatch: 1 }], worker.id);
      if (!claim) throw new Error('not claimed');
      await finishInvocations(only.database, 'running', [{ ...claim, ...ending }]);
      await cancelInvocation(only.database, { invocationId: first.id, workspaceId: agent.workspaceId, lastSeq: 2 });
      expect(await dispatchNext(only.database, first.conversationId)).toMatchObject({
        invocationId: later?.created?.id,
      });
      expect((await entriesRead()) - before).toBeLessThan(backlog);
    } finally {
      await only.close();
      await database.query`UPDATE invocation SET status = 'cancelled' WHERE status IN ('queued', 'running')`;
    }
  });

  it('find recoveries without reading the waiting invocations', async () => {
    const backlog = 500;
    const waiting = await insertInvocations(
      database,
      Array.from({ length: backlog }, () => insertion({ deadlineMs: 3_600_000 })),
    );
    await markEnqueued(
      database,
      waiting.flatMap(({ created }) => (created ? [{ invocationId: created.id, dispatch: 1 }] : [])),
    );
    const undone = await insertOne();
    await database.query`UPDATE invocation SET created_at = now() - interval '1 s' WHERE id = ${undone.id}::uuid`;
    const only = openDatabase(file.url, { poolSize: 1, name: 'test', logger: { warn() {} } });
    const entriesRead = () => countEntriesRead(only.database);
    try {
      await other.query('VACUUM (INDEX_CLEANUP ON) invocation'); // removes the dead entries of the enqueues
      const before = await entriesRead();
      const recoveries = await findRecoveries(only.database, newId());
      expect(recoveries.map(({ cause, invocationId }) => [cause, invocationId])).toContainEqual(['enqueue', undone.id]);
      expect((await entriesRead()) - before).toBeLessThan(backlog / 2);
    } finally {
      await only.close();
      await database.query`UPDATE invocation SET status = 'cancelled' WHERE status IN ('queued', 'running')`;
    }
  });

  it('that put an invocation back on the queue mark it as begun', async () => {
    const workerId = newId();
    const run = async () => {
      const { id, conversationId } = await insertOne();
      await database.query`UPDATE invocation SET status = 'running', attempt = 1, worker_id = ${workerId}::uuid WHERE id = ${id}::uuid`;
      return { invocationId: id, conversationId, attempt: 1 };
    };
    const [back, lost] = [await run(), await run()];
    expect(
      await handBackInvocation(database, back, { reason: 'worker_stopping', delayMs: 0, usage: null }),
    ).toMatchObject({ begun: true });
    expect(await requeueLost(database, { ...lost, attempt: 2 }, workerId)).toBeNull();
    expect(await requeueLost(database, lost, workerId)).toMatchObject({ begun: true });
    expect(await redispatchInvocation(database, { ...lost, dispatch: 2 })).toMatchObject({ dispatch: 3, begun: true });
    await markEnqueued(database, [{ ...back, dispatch: 2 }]);
    await database.query`UPDATE invocation SET enqueued_at = now() - interval '2 s' WHERE id = ${back.invocationId}::uuid`;
    expect(await findEnqueued(database, '00000000-0000-0000-0000-000000000000', 500)).toContainEqual(
      expect.objectContaining({ invocationId: back.invocationId, begun: true }),
    );
    await database.query`UPDATE invocation SET status = 'cancelled' WHERE status IN ('queued', 'running')`;
  });

  it('that store the estimated usage of a lost attempt do so once', async () => {
    const workerId = newId();
    const { id, conversationId } = await insertOne();
    const lost = { invocationId: id, conversationId, attempt: 1 };
    await database.query`UPDATE invocation SET status = 'running', attempt = 1, worker_id = ${workerId}::uuid WHERE id = ${id}::uuid`;
    await requeueLost(database, lost, workerId);
    const usage = { ...unknownUsage, inputTokens: 3, outputTokens: 2, costMicroUsd: 7n, priceTableVersion: 'of then' };
    expect(await noteUsage(database, { ...lost, attempt: 2 }, usage)).toBe(false);
    expect(await noteUsage(database, lost, usage)).toBe(true);
    expect(await noteUsage(database, lost, { ...usage, inputTokens: 4 })).toBe(false);
    const records = await database.usageRecord.findMany({ where: { invocationId: id } });
    expect(records).toEqual([expect.objectContaining({ attempt: 1, ...usage })]);
    await database.query`UPDATE invocation SET status = 'cancelled' WHERE id = ${id}::uuid`;
  });

  it('that register a worker remove workers that were killed long ago, except one with a running invocation', async () => {
    const [gone, busy] = [newId(), newId()];
    const identity = { hostname: 'here', pid: 1, providers: ['echo' as const], unconfigured: [], concurrency: 1 };
    for (const id of [gone, busy]) await registerWorker(database, { id, ...identity });
    const invocation = await insertOne();
    await database.query`UPDATE worker SET heartbeat_at = now() - interval '2 hours' WHERE id IN (${gone}::uuid, ${busy}::uuid)`;
    await database.query`UPDATE invocation SET status = 'running', worker_id = ${busy}::uuid WHERE id = ${invocation.id}::uuid`;
    await registerWorker(database, { id: newId(), ...identity });
    const left = await database.worker.findMany({ where: { id: { in: [gone, busy] } } });
    expect(left.map(({ id }) => id)).toEqual([busy]);
    await database.query`UPDATE invocation SET status = 'cancelled' WHERE id = ${invocation.id}::uuid`;
  });

  it('find the page of a rare value without reading the many other rows', async () => {
    const many = 20_000;
    const rare = '00000000-0000-7000-8000-00000000beef';
    await other.query(`INSERT INTO workspace (id, name) VALUES ('${rare}', 'Rare')`);
    const { id: conversationId } = await database.conversation.create({
      data: { id: newId(), workspaceId: agent.workspaceId },
    });
    const insertMany = (count: number, workspaceId: string, status: string) =>
      other.query(`
        INSERT INTO invocation (id, workspace_id, conversation_id, agent_id, status, provider, model, settings, input_message_id, input_position)
        SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(first.id + g), 12, '0'))::uuid, '${workspaceId}', '${conversationId}', '${agent.id}',
               '${status}', 'echo', 'echo', '{}', gen_random_uuid(), 1
        FROM (SELECT count(*) AS id FROM invocation) first, generate_series(1, ${count}) g`);
    await insertMany(3, rare, 'completed');
    await insertMany(3, agent.workspaceId, 'failed');
    await insertMany(many, agent.workspaceId, 'completed');
    await other.query('VACUUM ANALYZE invocation');
    const only = openDatabase(file.url, { poolSize: 1, name: 'test', logger: { warn() {} } });
    const entriesRead = () => countEntriesRead(only.database);
    try {
      const before = await entriesRead();
      const page = { before: null, limit: 20 };
      expect(await loadPageIds(only.database, 'invocation', { workspace_id: rare }, page)).toHaveLength(3);
      const failed = { workspace_id: agent.workspaceId, agent_id: agent.id, status: 'failed' };
      expect(await loadPageIds(only.database, 'invocation', failed, page)).toHaveLength(3);
      const all = { workspace_id: agent.workspaceId, agent_id: agent.id };
      expect(await loadPageIds(only.database, 'invocation', all, page)).toHaveLength(21);
      expect((await entriesRead()) - before).toBeLessThan(100);
    } finally {
      await only.close();
    }
  });

  it('end on the server soon after nobody waits for them any more', async () => {
    const [row] = await database.query<{ limit: string }>`SELECT current_setting('statement_timeout') AS limit`;
    expect(row?.limit).toBe('12s');
  });

  it('claim each row independently: an old dispatch returns null between two claims', async () => {
    const worker = await startWorker();
    const [a, b, c] = [await insertOne(), await insertOne(), await insertOne()];
    const claims = await claimInvocations(
      database,
      [
        { invocationId: c.id, dispatch: 1 },
        { invocationId: b.id, dispatch: 7 },
        { invocationId: a.id, dispatch: 1 },
      ],
      worker.id,
    );
    expect(claims.map((claim) => claim?.invocationId ?? null)).toEqual([c.id, null, a.id]);
  });

  it('claim nothing for a worker that may count as dead', async () => {
    const worker = await startWorker();
    const claim = async () => {
      const { id: invocationId } = await insertOne();
      return (await claimInvocations(database, [{ invocationId, dispatch: 1 }], worker.id))[0] !== null;
    };
    expect(await claim()).toBe(true);
    await silence(worker.id, 2);
    expect(await claim()).toBe(false);
    await lock(worker.lockKey);
    expect(await claim()).toBe(true);
    await silence(worker.id, 31);
    expect(await claim()).toBe(false);
    await unlock(worker.lockKey);
  });

  it('insert what some requests bring along together with those that bring nothing, and hand it to the claim', async () => {
    const messages = [
      { role: 'user' as const, content: 'Before' },
      { role: 'assistant' as const, content: 'Answered' },
    ];
    const context = { messages, systemText: 'Be brief.', store: false };
    const results = await insertInvocations(database, [insertion(), insertion({ context, userId: 'ada' })]);
    const ids = results.flatMap(({ created }) => created?.id ?? []);
    const rows = await database.invocation.findMany({
      where: { id: { in: ids } },
      orderBy: { id: 'asc' },
      include: { conversation: true },
    });
    expect(rows.map(({ userId, conversation }) => [userId, conversation.userId, conversation.kind])).toEqual([
      [null, null, 'normal'],
      ['ada', 'ada', 'ephemeral'],
    ]);
    const worker = await startWorker();
    const jobs = ids.map((invocationId) => ({ invocationId, dispatch: 1 }));
    const [plain, brought] = await claimInvocations(database, jobs, worker.id);
    expect(plain).toMatchObject({ input: 'Hello', history: [] });
    expect(brought).toMatchObject({
      input: 'Hello',
      history: [{ content: 'Answered' }, { content: 'Before' }],
      settings: { systemPrompt: joinSystemText(plain?.settings.systemPrompt ?? '', 'Be brief.') },
    });
    expect(await loadContextSource(database, ids[1] ?? '')).toMatchObject({ history: brought?.history });
  });

  it('insert without a clause for what requests bring along where none does', () => {
    const { text } = toInsertStatement([toItem(insertion())]);
    expect(text).not.toMatch(/invocation_context|context_messages|kind/);
    const context = { messages: [], systemText: '', store: false };
    expect(toInsertStatement([toItem(insertion({ context }))]).text).toContain('invocation_context');
  });

  it('delete in steps what was brought along, and nothing of one that is not over', async () => {
    const context = { messages: [], systemText: '', store: false };
    const many = await insertInvocations(
      database,
      Array.from({ length: contextsPerStep + 5 }, () => insertion({ context })),
    );
    const stored = await insertOne({ context: { ...context, store: true } });
    const waiting = await insertOne({ context });
    const over = [...many.flatMap(({ created }) => created?.id ?? []), stored.id];
    await database.query`UPDATE invocation SET status = 'completed', finished_at = now() WHERE id = ANY(${over}::uuid[])`;
    const steps: number[] = [];
    while (steps.at(-1) !== 0) steps.push(await dropContexts(database, 0));
    expect(steps[0]).toBe(contextsPerStep);
    expect(steps.reduce((sum, step) => sum + step, 0)).toBeGreaterThanOrEqual(contextsPerStep + 5);
    const left = await database.message.findMany({ where: { invocationId: { in: [...over, waiting.id] } } });
    expect(left.map(({ invocationId }) => invocationId).toSorted()).toEqual([stored.id, waiting.id].toSorted());
    expect(await database.invocationContext.count({ where: { invocationId: { in: [stored.id, waiting.id] } } })).toBe(
      2,
    );
    await database.query`UPDATE invocation SET status = 'cancelled' WHERE id = ${waiting.id}::uuid`;
  });

  it('finish each row independently: an old attempt returns null', async () => {
    const worker = await startWorker();
    const [a, b, c] = [await begin(worker.id), await begin(worker.id), await begin(worker.id)];
    const stale = { ...b, attempt: 2 };
    const finished = await finishInvocations(database, 'running', [c, stale, a]);
    expect(finished.map((each) => each?.status ?? null)).toEqual(['completed', null, 'completed']);
    const answer = await database.message.findUnique({ where: { id: finished[0]?.messageId ?? '' } });
    expect(answer).toMatchObject({ content: 'the answer', conversationId: c.conversationId, position: 2 });
  });

  it('refuse all rows if one of them is locked, and wait for the lock with only one row', async () => {
    const worker = await startWorker();
    const [a, b] = [await begin(worker.id), await begin(worker.id)];
    await other.query('BEGIN');
    await other.query('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [a.conversationId]);
    await expect(finishInvocations(database, 'running', [a, b])).rejects.toMatchObject({ code: '55P03' });
    const alone = finishInvocations(database, 'running', [a]);
    expect(await finishInvocations(database, 'running', [b])).toMatchObject([{ status: 'completed' }]);
    await other.query('COMMIT');
    expect(await alone).toMatchObject([{ status: 'completed' }]);
  });

  it('insert several rows without waiting for a locked conversation, and lock no conversation whose insertion is refused', async () => {
    const [a, b] = [await insertOne(), await insertOne()];
    const { workspaceId } = agent;
    const inactive = await database.agent.create({
      data: { id: newId(), workspaceId, name: 'off', provider: 'echo', model: 'echo', active: false },
    });
    await other.query('BEGIN');
    await other.query('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [a.conversationId]);
    const into = ({ conversationId }: typeof a) => insertion({ conversationId });
    await expect(insertInvocations(database, [into(a), into(b)])).rejects.toMatchObject({ code: '55P03' });
    const refused = insertion({ conversationId: a.conversationId, agentId: inactive.id });
    expect(await insertInvocations(database, [refused, into(b)])).toMatchObject([
      { created: null, agent: { active: false } },
      { created: { conversationId: b.conversationId } },
    ]);
    const alone = insertInvocations(database, [into(a)]);
    await other.query('COMMIT');
    expect(await alone).toMatchObject([{ created: { conversationId: a.conversationId } }]);
  });

  it('declare a worker dead after a silence that depends on its lock, and only if the sweeping worker beats itself', async () => {
    await waitUntil(
      async () => {
        const [row] = await database.query<{ old: boolean }>`
          SELECT pg_postmaster_start_time() < now() - interval '11 s' AS old`;
        return row?.old;
      },
      { what: 'Postgres to have been up for a while', timeoutMs: 20_000, everyMs: 200 },
    );
    const judge = await startWorker();
    await database.query`UPDATE worker SET steady_since = now() - interval '1 min' WHERE id = ${judge.id}::uuid`;
    const worker = await startWorker();
    const running = await begin(worker.id);
    const isDead = async () => {
      await beatHeart(database, judge.id, [], []);
      const recoveries = await findRecoveries(database, judge.id);
      return recoveries.some(({ cause, invocationId }) => cause === 'lost' && invocationId === running.invocationId);
    };
    await lock(worker.lockKey);
    await beatHeart(database, worker.id, [running], [running.invocationId]);
    await silence(worker.id, 20);
    expect(await isDead()).toBe(false);
    await unlock(worker.lockKey);
    await silence(worker.id, 0.2);
    expect(await isDead()).toBe(false);
    await silence(worker.id, 2);
    expect(await isDead()).toBe(true);

    await beatHeart(database, worker.id, [running], [running.invocationId]); // alive, although without its lock
    await silence(worker.id, 2);
    expect(await isDead()).toBe(false);
    await silence(worker.id, 6);
    expect(await isDead()).toBe(true);

    await silence(judge.id, 3);
    expect(await isDead()).toBe(false); // beating again, but only since now
  });
});
