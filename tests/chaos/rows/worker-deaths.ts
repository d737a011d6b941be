import { silent } from '../../support/open-provider-server.ts';
import type { RunningService } from '../../support/start-service.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, seconds, sleep } from '../chaos-row.ts';
import type { Accepted, Chaos } from '../open-chaos.ts';

const slow = 't20-n60-d25';

/** Waits until the invocation runs in this attempt. Returns the milliseconds. */
async function untilAttempt({ stack }: Chaos, { id }: Accepted, attempt: number, timeoutMs = 10_000): Promise<number> {
  const from = performance.now();
  await waitUntil(
    async () => {
      const row = await stack.database.invocation.findUnique({
        where: { id },
        select: { attempt: true, status: true },
      });
      return row && row.attempt >= attempt && row.status !== 'queued';
    },
    { what: `attempt ${attempt}`, timeoutMs, everyMs: 10 },
  );
  return performance.now() - from;
}

/** The worker that runs the invocation, and another one. */
async function holderOf({ stack }: Chaos, { id }: Accepted) {
  const row = await stack.database.invocation.findUnique({ where: { id }, select: { workerId: true } });
  const worker = row?.workerId ? await stack.database.worker.findUnique({ where: { id: row.workerId } }) : null;
  const holder = stack.workers.find(({ pid }) => pid === worker?.pid);
  must(holder, 'no worker runs the invocation');
  return holder;
}

export const killBeforeFirstToken: ChaosRow = {
  id: '1',
  title: 'kill -9 a worker before the first token',
  async run({ open }) {
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent(slow);
    chaos.provider.next(silent);
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'killed before', { conversationId });
    await waitUntil(() => chaos.provider.callsFor(entry.message).length === 1, { what: 'the call' });
    const dead = await holderOf(chaos, entry);
    dead.signal('SIGKILL');
    const ms = await untilAttempt(chaos, entry, 2);
    must(ms <= 2_000, `the new attempt took ${ms} ms`);
    await watcher.ended(entry.id);
    must(
      watcher.eventsOf(entry.id).some(({ type }) => type === 'invocation.restarted'),
      'the client was not told of the restart',
    );
    await chaos.verify({ dead: [dead], jobsMayLinger: true });
    return `new attempt after ${seconds(ms)}`;
  },
};

export const killMidStream: ChaosRow = {
  id: '2',
  title: 'kill -9 a worker mid-stream',
  async run({ open }) {
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent(slow);
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'killed mid-stream', { conversationId });
    await waitUntil(() => watcher.shown(entry.id).text.length > 60, { what: 'some text' });
    const dead = await holderOf(chaos, entry);
    dead.signal('SIGKILL');
    const ms = await untilAttempt(chaos, entry, 2);
    must(ms <= 2_000, `the new attempt took ${ms} ms`);
    await watcher.ended(entry.id);
    must(
      watcher.eventsOf(entry.id).some(({ type }) => type === 'invocation.restarted'),
      'the client was not told of the restart',
    );
    await chaos.verify({ dead: [dead], jobsMayLinger: true });
    const where = { invocationId: entry.id, attempt: 1, inputTokens: { gt: 0 }, outputTokens: { gt: 10 } };
    await waitUntil(async () => (await chaos.stack.database.usageRecord.count({ where })) === 1, {
      what: 'the usage of the lost attempt',
    });
    return `new attempt after ${seconds(ms)}`;
  },
};

export const killBeforeFinalWrite: ChaosRow = {
  id: '3',
  title: 'kill -9 a worker after the last token, before the final write',
  async run({ open }) {
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent('t500-n5-d5');
    const own = await chaos.post(agentId, 'killed before the write');
    // The final write locks the conversation's row, so a lock on that row stops the worker exactly here.
    const release = await lockConversation(chaos, own.conversationId);
    const watcher = await chaos.watch(own.conversationId, { cursors: { [own.id]: 0 } });
    await waitUntil(() => chaos.provider.callsFor(own.message)[0]?.complete, { what: 'the last token' });
    await waitUntil(() => waitsForLock(chaos), { what: 'the final write to wait' });
    const dead = await holderOf(chaos, own);
    dead.signal('SIGKILL');
    const ms = await untilAttempt(chaos, own, 2);
    await release();
    must(ms <= 2_000, `the new attempt took ${ms} ms`);
    await watcher.ended(own.id);
    must(
      watcher.eventsOf(own.id).some(({ type }) => type === 'invocation.restarted'),
      'the client was not told of the restart',
    );
    await chaos.verify({ dead: [dead], jobsMayLinger: true });
    must(chaos.provider.callsFor(own.message).length <= 2, 'more than one extra call');
    return `new attempt after ${seconds(ms)}`;
  },
};

async function lockConversation({ stack }: Chaos, conversationId: string): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const transaction = stack.database.$transaction(
    async (inner) => {
      await inner.$executeRaw`SELECT 1 FROM conversation WHERE id = ${conversationId}::uuid FOR UPDATE`;
      locked.resolve();
      await released.promise;
    },
    { timeout: 30_000 },
  );
  transaction.catch(locked.reject);
  await locked.promise;
  return async () => {
    released.resolve();
    await transaction;
  };
}

async function waitsForLock({ stack }: Chaos): Promise<boolean> {
  const [row] = await stack.database.query<{ count: number }>`
    SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR NO KEY UPDATE%'`;
  return (row?.count ?? 0) > 0;
}

export const killAfterFinalWrite: ChaosRow = {
  id: '4',
  title: 'kill -9 a worker after the final write, before the job is acknowledged',
  async run({ open }) {
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent('t300-n1-d0');
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'killed after the write', { conversationId });
    await waitUntil(() => watcher.eventsOf(entry.id).some(({ type }) => type === 'invocation.started'), {
      what: 'the start',
    });
    const dead = await holderOf(chaos, entry);
    // Redis is stopped: the final write reaches Postgres, but the terminal event and the acknowledgement do not reach Redis.
    chaos.stack.testRedis.signal('SIGSTOP');
    const isOver = async () =>
      (await chaos.stack.database.invocation.findUnique({ where: { id: entry.id } }))?.status === 'completed';
    await waitUntil(isOver, { what: 'the final write', timeoutMs: 15_000 });
    dead.signal('SIGKILL');
    const from = performance.now();
    chaos.stack.testRedis.signal('SIGCONT');
    await watcher.ended(entry.id);
    const ms = performance.now() - from;
    await chaos.stack.redis.zadd('unused', 1, 'x'); // Redis answers again
    await chaos.stack.redis.del('unused');
    await deliverAgain(chaos, entry);
    await chaos.verify({ dead: [dead], jobsMayLinger: true });
    must(chaos.provider.callsFor(entry.message).length === 1, 'it was called again');
    return `clients told after ${seconds(ms)}; redelivery did nothing`;
  },
};

/** Adds the same job under another id, because BullMQ delivers the job of a vanished worker again. */
export async function deliverAgain({ stack }: Chaos, { id }: Accepted, times = 1): Promise<void> {
  const { openInvocationQueues } = await import('@nexus/common/queue/invocation-queue');
  const queues = openInvocationQueues(stack.redis, { warn() {} });
  const queue = queues.queue('openai');
  for (let index = 0; index < times; index += 1) {
    await queue.add('invoke', { invocationId: id, dispatch: 1 }, { jobId: `${id}-again-${index}` });
  }
  await waitUntil(async () => (await stack.redis.keys(`nexus:*:${id}-again-*`)).length === 0, {
    what: 'the redelivered job to be processed',
    timeoutMs: 10_000,
  });
  await queues.close();
}

export const terminate: ChaosRow = {
  id: '5',
  title: 'SIGTERM during a long stream, with a short and a long grace',
  async run({ open, scale }) {
    const [chunks, shortMs, longMs] = scale === 'full' ? [400, 5_000, 30_000] : [80, 1_000, 10_000];
    const measured: string[] = [];
    for (const graceMs of [shortMs, longMs]) {
      const chaos = await open({ workers: 1, env: { SHUTDOWN_GRACE_MS: String(graceMs) } });
      const agentId = await chaos.agent(`t0-n${chunks}-d50`);
      const conversationId = await chaos.newConversation();
      const watcher = await chaos.watch(conversationId);
      const entry = await chaos.post(agentId, `terminated ${graceMs}`, { conversationId });
      await waitUntil(() => watcher.shown(entry.id).text !== '', { what: 'some text' });
      const leaving = await holderOf(chaos, entry);
      await chaos.stack.start('worker');
      const from = performance.now();
      const { code } = await leaving.stop('SIGTERM');
      const ms = performance.now() - from;
      must(code === 0, `exit code ${code}:\n${leaving.output().slice(-1_000)}`);
      must(ms < graceMs + 4_000, `it took ${ms} ms with a grace of ${graceMs}`);
      await chaos.verify({ dead: [leaving], boundMs: 60_000 });
      const { attempt } = await chaos.stack.database.invocation.findUniqueOrThrow({ where: { id: entry.id } });
      must(attempt === (graceMs === shortMs ? 2 : 1), `attempt ${attempt} with a grace of ${graceMs}`);
      measured.push(`grace ${seconds(graceMs)}: ${attempt === 1 ? 'drained' : 'handed over'} in ${seconds(ms)}`);
      await chaos.close();
    }
    return measured.join('; ');
  },
};

export const freeze: ChaosRow = {
  id: '6',
  title: 'SIGSTOP a worker for 60 s, then CONT',
  long: true,
  async run({ open, say }) {
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent('t20-n300-d250'); // 75 s: goes on when the worker wakes up
    const conversationId = await chaos.newConversation();
    await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'frozen', { conversationId });
    await waitUntil(() => (chaos.provider.callsFor(entry.message)[0]?.sent.length ?? 0) > 50, { what: 'some text' });
    const frozen = await holderOf(chaos, entry);
    const stoppedAt = performance.now();
    frozen.signal('SIGSTOP');
    const ms = await untilAttempt(chaos, entry, 2, 45_000);
    must(ms <= 35_000, `the takeover took ${ms} ms`);
    say(`takeover after ${seconds(ms)}`);
    await sleep(Math.max(0, 60_000 - (performance.now() - stoppedAt)));
    frozen.signal('SIGCONT');
    await waitUntil(() => chaos.provider.callsFor(entry.message)[0]?.closedEarlyAt, {
      what: 'the zombie to stop its call',
      timeoutMs: 5_000,
    });
    await chaos.verify({ boundMs: 120_000, jobsMayLinger: true });
    return `takeover after ${seconds(ms)}; the zombie's call was closed`;
  },
};

/** Modules that are loaded into the worker and make it crash on a signal. */
const deaths = {
  exception: { signal: 'SIGUSR2', flags: [], says: /uncaughtException/ },
  'out of memory': { signal: 'SIGUSR2', flags: ['--max-old-space-size=160'], says: /heap out of memory/ },
} as const;

const poisonous = (id: string, death: keyof typeof deaths): ChaosRow => ({
  id,
  title: `an invocation that takes its worker with it by ${death === 'exception' ? 'an exception' : 'running out of memory'}, 100 others beside it`,
  async run({ open }) {
    const { signal, flags, says } = deaths[death];
    const preload = new URL(
      `../../support/${death === 'exception' ? 'throw' : 'hoard'}-on-signal.mjs`,
      import.meta.url,
    );
    const env = { WORKER_CONCURRENCY: '200', NODE_OPTIONS: ['--import', preload.href, ...flags].join(' ') };
    const chaos = await open({ workers: 0 });
    await chaos.stack.start('worker', env);
    const [agentId, poisonId] = [await chaos.agent('t100-n60-d50'), await chaos.agent('t0-n1000-d50')];
    const dead: RunningService[] = [];
    const others = await Promise.all(Array.from({ length: 100 }, (_, index) => chaos.post(agentId, `beside ${index}`)));
    const bad = await chaos.post(poisonId, 'poison');
    let recoveredMs = 0;
    for (let lost = 1; lost <= 3; lost += 1) {
      await waitUntil(() => chaos.provider.callsFor(bad.message).length === lost, {
        what: `call ${lost} of the poison`,
        timeoutMs: 20_000,
      });
      if (lost === 1)
        await waitUntil(() => others.every(({ message }) => chaos.provider.callsFor(message).length > 0), {
          what: 'the others to run beside it',
        });
      else
        await waitUntil(async () => (await countOpen(chaos, others)) === 0, {
          what: 'the others to end',
          timeoutMs: 20_000,
        });
      const holder = await holderOf(chaos, bad);
      if (lost === 1) must((await countOpen(chaos, others)) === 100, 'some of the others had ended before');
      dead.push(holder);
      await chaos.stack.start('worker', env);
      holder.signal(signal);
      const { code, signal: by } = await holder.exited;
      must(code !== 0 && by !== 'SIGKILL', `it ended with ${code ?? by}`);
      must(says.test(holder.output()), `it died of something else:\n${holder.output().slice(-1_000)}`);
      if (lost === 1) recoveredMs = await untilAttempt(chaos, bad, 2);
    }
    await chaos.verify({ dead, thrown: dead, statuses: ['completed', 'failed'], jobsMayLinger: true });
    const row = await chaos.stack.database.invocation.findUniqueOrThrow({ where: { id: bad.id } });
    must(
      row.status === 'failed' && row.errorCode === 'worker_lost' && row.attempt === 3,
      `the poison ended as ${row.status} (${row.errorCode}), attempt ${row.attempt}`,
    );
    const failed = await chaos.stack.database.invocation.count({ where: { status: 'failed' } });
    must(failed === 1, `${failed} failed`);
    return `100 others completed, a new attempt ${seconds(recoveredMs)} after the death; the poison failed after 3 attempts`;
  },
});
export const thrown = poisonous('7a', 'exception');
export const outOfMemory = poisonous('7b', 'out of memory');

function countOpen({ stack }: Chaos, entries: Accepted[]): Promise<number> {
  return stack.database.invocation.count({
    where: { id: { in: entries.map(({ id }) => id) }, status: { in: ['queued', 'running'] } },
  });
}
