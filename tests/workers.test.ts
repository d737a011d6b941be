import { createEventAppender } from '@nexus/common/events/append-events';
import { sha256 } from '@nexus/common/feeds/load-snapshot';
import { jobId, openInvocationQueues, queueName, queuePrefix } from '@nexus/common/queue/invocation-queue';
import type { InvocationEvent } from '@nexus/protocol/event';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import type { RunningService } from './support/start-service.ts';
import { waitUntil } from './support/wait-until.ts';

const nobody = '00000000-0000-7000-8000-00000000ffff';

describe('workers', () => {
  let provider: ProviderServer;
  let stack: Stack;
  beforeAll(async () => {
    provider = await openProviderServer();
    const env = {
      OPENAI_API_KEY: 'test-key',
      OPENAI_BASE_URL: provider.url,
      WORKER_CONCURRENCY: '20',
      WORKER_PROVIDERS: 'openai',
      SHUTDOWN_GRACE_MS: '500',
    };
    stack = await openStack({ gateways: 0, workers: 3, env });
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  it('share 200 invocations, each processed once', async () => {
    const agentId = await createPacedAgent(stack.api, 't5-n5-d5');
    const posted = await Promise.all(
      Array.from({ length: 200 }, (_, index) => stack.api.invoke({ agentId, message: `shared ${index}` })),
    );
    const done = await Promise.all(posted.map(({ body }) => stack.api.finished(body.id)));
    expect(new Set(done.map(({ status }) => status))).toEqual(new Set(['completed']));
    for (let index = 0; index < 200; index += 1) expect(provider.callsFor(`shared ${index}`)).toHaveLength(1);
    const rows = await stack.database.invocation.groupBy({
      by: ['workerId'],
      _count: true,
      where: { provider: 'openai' },
    });
    expect(rows).toHaveLength(3);
  });

  it('that stop let short answers end and hand back the rest, which another worker starts at once', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n60-d50');
    const posted = await Promise.all(
      Array.from({ length: 12 }, (_, index) => stack.api.invoke({ agentId, message: `handed ${index}` })),
    );
    const all = () => posted.every((_, index) => (provider.callsFor(`handed ${index}`)[0]?.sent.length ?? 0) > 0);
    await waitUntil(all, { what: 'all twelve to begin' });

    const leaving = stack.workers[0];
    const stopped = await leaving?.stop('SIGTERM');
    expect(stopped).toEqual({ code: 0, signal: null });
    expect(leaving?.output()).not.toMatch(/"level":50/);

    const done = await Promise.all(posted.map(({ body }) => stack.api.finished(body.id)));
    expect(new Set(done.map(({ status }) => status))).toEqual(new Set(['completed']));
    const moved = done.filter(({ attempt }) => attempt === 2);
    expect(moved.length).toBeGreaterThan(0);
    for (const invocation of moved) expect(invocation.usage.map(({ attempt }) => attempt)).toEqual([1, 2]);
    const full = Array.from({ length: 60 }, (_, index) => `word${index} `).join('');
    for (const invocation of done) expect(invocation.output).toBe(full);
  });

  it('give back an invocation that only its row assigns to them: the claim took effect, but the reply was lost', async () => {
    const body = { name: 'nobody serves it', provider: 'ollama', model: 'llama3' };
    const agent = await stack.api.send<{ id: string }>('POST', '/api/agents', body);
    const posted = await stack.api.invoke({ agentId: agent.body.id, message: 'claimed unheard' });
    expect(posted.status).toBe(202);
    const { id } = posted.body;
    const [worker] = await stack.database.worker.findMany();
    const where = { id, status: 'queued' } as const;
    const claim = { status: 'running', attempt: 1, workerId: worker?.id ?? '' } as const;
    expect(await stack.database.invocation.updateMany({ where, data: claim })).toEqual({ count: 1 });

    const row = () => stack.database.invocation.findUniqueOrThrow({ where: { id } });
    await waitUntil(async () => (await row()).status === 'queued', { what: 'it to be given back' });
    expect(await row()).toMatchObject({ attempt: 1, dispatch: 2, workerId: null });
  });

  it.each([
    ['died', 'orphaned_job'],
    ['never received it', 'unheard_job'],
  ])('give an invocation another job if the worker that was given the first has %s', async (why, cause) => {
    const body = { name: `nobody serves it either, ${why}`, provider: 'ollama', model: 'llama3' };
    const agent = await stack.api.send<{ id: string }>('POST', '/api/agents', body);
    const { body: posted } = await stack.api.invoke({ agentId: agent.body.id, message: 'given away' });
    const where = { id: posted.id };
    await waitUntil(async () => (await stack.database.invocation.findUniqueOrThrow({ where })).enqueuedAt !== null, {
      what: 'its job to be there',
    });
    const key = (dispatch: number) =>
      `${queuePrefix('ollama')}:${queueName('ollama')}:${jobId({ invocationId: posted.id, dispatch })}`;
    expect(await stack.redis.exists(key(1))).toBe(1);
    const living = await stack.database.worker.findFirstOrThrow();
    const holder = cause === 'orphaned_job' ? nobody : living.id;
    await stack.redis.hset(key(1), 'pb', holder); // BullMQ stores here which worker has the job

    const counted = new RegExp(`nexus_recoveries_total\\{cause="${cause}"\\} [1-9]`);
    const isCounted = async () => {
      const asked = stack.workers.map(({ url }) => fetch(`${url}/metrics`).then((response) => response.text()));
      const told = await Promise.allSettled(asked); // one has left
      return told.some((metrics) => metrics.status === 'fulfilled' && counted.test(metrics.value));
    };
    await waitUntil(async () => (await stack.redis.exists(key(2))) === 1, { what: 'another job' });
    expect(await stack.database.invocation.findUniqueOrThrow({ where })).toMatchObject({
      status: 'queued',
      dispatch: 2,
    });
    await waitUntil(isCounted, { what: 'it to be counted' });
  });

  it.each([
    ['running', 'worker_lost', { workerId: nobody, lostAttempts: 2 }],
    ['queued', 'deadline_exceeded', { deadlineAt: new Date(0) }],
  ] as const)(
    'end a %s invocation while another process still appends its events, and show the stored text (%s)',
    async (status, code, more) => {
      const { body: agent } = await stack.api.send<{ id: string }>('POST', '/api/agents', {
        name: `of nobody here, ${status}`,
        provider: 'gemini',
        model: 'any',
      });
      const { body } = await stack.api.invoke({ agentId: agent.id, message: 'cut off' });
      const address = { conversationId: body.conversationId, invocationId: body.id };
      const appender = createEventAppender(stack.redis);
      const speaking = (async () => {
        for (let seq = -1, count = 0; ; count += 1)
          ({ seq } = await appender.append(address, 1, [{ type: 'message.delta', data: { text: `${count} ` } }], seq));
      })();
      await stack.database.invocation.update({
        where: { id: body.id },
        data: { status, attempt: 1, ...more },
      });
      await expect(speaking).rejects.toMatchObject({ code: 'claim_lost' });

      const { body: events } = await stack.api.send<InvocationEvent[]>(
        'GET',
        `/api/invocations/${body.id}/events`,
        undefined,
        {
          accept: 'application/json',
        },
      );
      let shown = '';
      for (const event of events) {
        if (event.type === 'message.delta') shown += event.data.text;
        if (event.type === 'invocation.restarted') shown = '';
      }
      const done = await stack.api.finished(body.id);
      expect(done).toMatchObject({ status: 'failed', error: { code }, output: shown });
      await waitUntil(async () => (await stack.api.finished(body.id)).lastSeq === events.at(-1)?.seq, {
        what: 'its last seq',
      });
      if (status === 'running')
        await waitUntil(async () => ((await stack.api.finished(body.id)).usage[0]?.outputTokens ?? 0) > 0, {
          what: 'the usage of the lost attempt',
        });
      expect(events.at(-1)).toMatchObject({ type: 'invocation.failed', data: { contentSha256: sha256(shown) } });
    },
  );

  /** Starts a worker for Echo whose claim of this message waits for a lock. Stops the worker, and then releases the lock. */
  async function stopDuringClaim(message: string, graceMs: number, letGo: (worker: RunningService) => boolean) {
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message });
    const other = new pg.Client({ connectionString: stack.testDatabase.url });
    await other.connect();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM invocation WHERE id = $1 FOR UPDATE', [body.id]);
    const env = {
      WORKER_PROVIDERS: 'echo',
      ECHO_DELAY_MS: '50',
      SHUTDOWN_GRACE_MS: String(graceMs),
      LOG_LEVEL: 'info',
    };
    const worker = await stack.start('worker', env);
    const isWaiting = `SELECT 1 FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%claimed AS (%'`;
    // On another connection, because a transaction always sees the same pg_stat_activity.
    const waiting = () => stack.database.$queryRawUnsafe<unknown[]>(isWaiting);
    await waitUntil(async () => (await waiting()).length > 0, { what: 'the claim to wait' });
    const stopped = worker.stop('SIGTERM');
    await waitUntil(() => letGo(worker), { what: `the worker to stop\n${worker.output()}` });
    await other.query('COMMIT');
    await other.end();
    expect(await stopped).toEqual({ code: 0, signal: null });
    return body;
  }

  it('that stop also wait for the answer of a job whose claim is under way', async () => {
    const isDraining = (worker: RunningService) => worker.output().includes('finishing the jobs in hand');
    const { id } = await stopDuringClaim('claimed late '.repeat(40), 20_000, isDraining);
    expect(await stack.api.finished(id)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('that are past their grace period hand back what they still claim, without a cost', async () => {
    const isPastGrace = (worker: RunningService) => worker.output().includes('handing back the jobs still in hand');
    const { id } = await stopDuringClaim('claimed too late', 300, isPastGrace);
    const row = await stack.database.invocation.findUniqueOrThrow({ where: { id }, include: { usage: true } });
    expect(row).toMatchObject({ status: 'queued', attempt: 1, dispatch: 2, usage: [] });
  });

  it('begin lost invocations before waiting ones', async () => {
    const queues = openInvocationQueues(stack.redis, { warn() {} });
    const add = (invocationId: string, begun: boolean) =>
      queues.add({ invocationId, dispatch: 1, provider: 'ollama', delayMs: 0, begun });
    await add('first', false);
    await add('second', false);
    await add('lost', true);
    const waiting = await queues.queue('ollama').getWaiting();
    expect(waiting.map(({ data }) => data.invocationId).at(0)).toBe('lost');
    await queues.close();
  });
});
