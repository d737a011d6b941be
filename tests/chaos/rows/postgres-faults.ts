import { lifeLockSpace } from '@nexus/common/postgres/is-life-lock-held';
import { createTestDatabase } from '../../support/create-test-database.ts';
import { openPostgresPair } from '../../support/open-postgres-pair.ts';
import { openProxy } from '../../support/open-proxy.ts';
import { openTemplatePostgres } from '../../support/open-template-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, mustSayUnready, seconds, sleep } from '../chaos-row.ts';
import { loseAnswers } from '../lose-answers.ts';
import { type Chaos, openChaos } from '../open-chaos.ts';

export const restartPostgres: ChaosRow = {
  id: '13a',
  title: 'Postgres restarted in the middle of an answer',
  async run() {
    const postgres = await openTemplatePostgres();
    const chaos = await openChaos(await createTestDatabase(postgres.url), { workers: 2 });
    try {
      const agentId = await chaos.agent('t20-n80-d25');
      const conversationId = await chaos.newConversation();
      const watcher = await chaos.watch(conversationId);
      const entry = await chaos.post(agentId, 'through a restart', { conversationId });
      await waitUntil(() => watcher.shown(entry.id).text.length > 50, { what: 'some text' });
      await postgres.stop();
      const before = watcher.shown(entry.id).text.length;
      await waitUntil(() => watcher.shown(entry.id).text.length > before + 30, { what: 'the stream to continue' });
      await sleep(2_000); // past the last token: the final write fails while Postgres is away
      await postgres.start();
      const from = performance.now();
      await chaos.verify({ boundMs: 20_000 });
      const ms = performance.now() - from;
      const calls = chaos.provider.callsFor(entry.message).length;
      must(calls === 1, `${calls} calls: a living worker was declared dead`);
      return `the stream went on; the answer was stored ${seconds(ms)} after Postgres was back`;
    } finally {
      await postgres.start().catch(() => {});
      await chaos.close();
      await postgres.close();
    }
  },
};

export const postgresDown: ChaosRow = {
  id: '13b',
  title: 'Postgres down while clients post',
  async run({ scale }) {
    const downMs = scale === 'full' ? 60_000 : 4_000;
    const postgres = await openTemplatePostgres();
    const chaos = await openChaos(await createTestDatabase(postgres.url), { workers: 1 });
    try {
      const agentId = await chaos.agent('t5-n5-d5');
      await chaos.post(agentId, 'before');
      await postgres.stop();
      await mustSayUnready([...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers], 'database');
      let refused = 0;
      let slowest = 0;
      for (const until = performance.now() + downMs; performance.now() < until; ) {
        const from = performance.now();
        const { status, headers } = await chaos.stack.api.invoke({ agentId, message: 'refused' });
        slowest = Math.max(slowest, performance.now() - from);
        must(status === 503 && headers.get('retry-after'), `a POST was answered ${status}`);
        refused += 1;
        await sleep(200);
      }
      must(slowest <= 2_000, `a refusal took ${slowest} ms`);
      await postgres.start();
      const from = performance.now();
      await waitUntil(async () => (await chaos.stack.api.invoke({ agentId, message: 'probe' })).status === 202, {
        what: 'the API to accept again',
      });
      const ms = performance.now() - from;
      await chaos.post(agentId, 'after');
      await chaos.verify();
      const half = await chaos.stack.database.message.count({ where: { content: 'refused' } });
      const opened = await chaos.stack.database.conversation.count({ where: { title: 'refused' } });
      must(half === 0 && opened === 0, `${half} refused messages and ${opened} conversations were stored`);
      return `${refused} times 503, the slowest after ${seconds(slowest)}; accepting ${seconds(ms)} after it was back`;
    } finally {
      await postgres.start().catch(() => {});
      await chaos.close();
      await postgres.close();
    }
  },
};

export const cutOffWorker: ChaosRow = {
  id: '13c',
  title: 'a worker cut off from Postgres, its old connections dead for good',
  async run({ open, scale, say }) {
    const chaos = await open({ workers: 0 });
    const proxy = await openProxy(Number(new URL(chaos.stack.testDatabase.url).port));
    try {
      const proxied = new URL(chaos.stack.testDatabase.url);
      proxied.port = String(proxy.port);
      const cutOff = await chaos.stack.start('worker', { DATABASE_URL: proxied.href });
      const agentId = await chaos.agent('t20-n60-d25');
      const held = await Promise.all(['one', 'two', 'three'].map((message) => chaos.post(agentId, message)));
      await waitUntil(() => held.every(({ message }) => chaos.provider.callsFor(message).length > 0), {
        what: 'the calls',
      });
      await chaos.stack.start('worker');
      const cutAt = new Date();
      proxy.set({ silent: true });
      proxy.strand();
      const from = performance.now();
      const isReady = async () => (await fetch(`${cutOff.url}/readyz`)).status === 200;
      await waitUntil(async () => !(await isReady()), {
        what: 'the worker to be unready',
        timeoutMs: 10_000,
        everyMs: 100,
      });
      say(`noticed after ${seconds(performance.now() - from)}`);
      await chaos.post(agentId, 'meanwhile');
      await sleep(Math.max(0, (scale === 'full' ? 60_000 : 8_000) - (performance.now() - from)));
      proxy.set({});
      proxy.strand();
      const healedAt = performance.now();
      await waitUntil(isReady, { what: 'it to be ready again', timeoutMs: 30_000, everyMs: 100 });
      const ms = performance.now() - healedAt;
      await chaos.verify({ boundMs: 60_000, jobsMayLinger: true });
      await waitUntil(() => holdsLock(chaos, cutAt), {
        what: 'a living session to hold its life lock',
        timeoutMs: 20_000,
        everyMs: 250,
      });
      const lockMs = performance.now() - healedAt;
      return `ready ${seconds(ms)} after it healed, its life lock back within ${seconds(lockMs)}`;
    } finally {
      await chaos.close();
      await proxy.close();
    }
  },
};

export const unheardByPostgres: ChaosRow = {
  id: '13d',
  title: 'Postgres does what it is asked, and its answers are lost',
  async run({ open, scale }) {
    const rounds = scale === 'full' ? 30 : 6;
    const chaos = await open({ workers: 0, apis: 0 });
    const proxy = await openProxy(Number(new URL(chaos.stack.testDatabase.url).port));
    try {
      const proxied = new URL(chaos.stack.testDatabase.url);
      proxied.port = String(proxy.port);
      for (const name of ['api', 'worker', 'worker'] as const)
        await chaos.stack.start(name, { DATABASE_URL: proxied.href });
      const agentId = await chaos.agent('t20-n5-d20');
      await loseAnswers(proxy, rounds, (message) => postUntilTaken(chaos, agentId, message));
      const from = performance.now();
      await chaos.verify({ boundMs: 60_000, jobsMayLinger: true });
      const stored = await chaos.stack.database.message.count({ where: { role: 'user' } });
      must(stored === chaos.accepted.length, `${stored} questions are stored, ${chaos.accepted.length} were asked`);
      return `${stored} invocations over ${seconds(performance.now() - from)} after the last of ${rounds} such moments`;
    } finally {
      await chaos.close();
      await proxy.close();
    }
  },
};

export const ledToStandby: ChaosRow = {
  id: '13e',
  title: 'the address of Postgres leads to a standby for a while, and connections to that stay open',
  async run({ scale }) {
    const pair = await openPostgresPair();
    const { url, close } = await createTestDatabase(pair.primary.url);
    const chaos = await openChaos({ url: pair.throughProxy(url), close }, { workers: 2 });
    try {
      const services = [...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers];
      const agentId = await chaos.agent('t20-n80-d25');
      const conversationId = await chaos.newConversation();
      const watcher = await chaos.watch(conversationId);
      const entry = await chaos.post(agentId, 'through a standby', { conversationId });
      await waitUntil(() => watcher.shown(entry.id).text.length > 50, { what: 'some text' });
      pair.leadToStandby();
      await mustSayUnready(services, 'database');
      await mustRefuse(chaos, agentId);
      await sleep(scale === 'full' ? 20_000 : 3_000);
      pair.leadBack(); // the connections stay open
      const from = performance.now();
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => postUntilTaken(chaos, agentId, `back again ${index}`)),
      );
      const ms = performance.now() - from;
      await chaos.verify({ boundMs: 30_000, jobsMayLinger: true });
      await mustHaveStoredEachOnce(chaos);
      const calls = chaos.provider.callsFor(entry.message).length;
      must(calls === 1, `${calls} calls: a living worker was declared dead`);
      return `20 posts at once were taken within ${seconds(ms)} after it led to the primary again`;
    } finally {
      await chaos.close();
      await pair.close();
    }
  },
};

export const failOverPostgres: ChaosRow = {
  id: '13f',
  title: 'Postgres fails over to its standby in the middle of an answer',
  async run() {
    const pair = await openPostgresPair();
    const { url } = await createTestDatabase(pair.primary.url);
    const ended = { url: pair.throughProxy(url), close: async () => {} }; // the database is removed with its server
    const chaos = await openChaos(ended, { workers: 2 });
    try {
      const services = [...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers];
      const agentId = await chaos.agent('t20-n80-d25');
      const conversationId = await chaos.newConversation();
      const watcher = await chaos.watch(conversationId);
      const entry = await chaos.post(agentId, 'through a failover', { conversationId });
      await waitUntil(() => watcher.shown(entry.id).text.length > 50, { what: 'some text' });
      await pair.failOver(async () => {
        await mustSayUnready(services, 'database');
        await mustRefuse(chaos, agentId);
        await sleep(2_000); // past the last token: the final write is refused
      });
      const from = performance.now();
      await postUntilTaken(chaos, agentId, 'after it');
      const ms = performance.now() - from;
      await chaos.verify({ boundMs: 30_000, jobsMayLinger: true });
      await mustHaveStoredEachOnce(chaos);
      const calls = chaos.provider.callsFor(entry.message).length;
      must(calls === 1, `${calls} calls: a living worker was declared dead`);
      return `accepting ${seconds(ms)} after the promotion; the answer that was under way was stored, one call`;
    } finally {
      await chaos.close();
      await pair.close();
    }
  },
};

/** A system without a writable Postgres answers 503, and stores nothing: see mustHaveStoredEachOnce. */
async function mustRefuse({ stack }: Chaos, agentId: string): Promise<void> {
  const answer = await stack.api.invoke({ agentId, message: 'refused' });
  const { code } = answer.body as unknown as { code: string };
  must(answer.status === 503 && code === 'database_unavailable', `a POST was answered ${answer.status} ${code}`);
  must(answer.headers.get('retry-after'), 'a refusal has no Retry-After');
}

async function mustHaveStoredEachOnce({ stack, accepted }: Chaos): Promise<void> {
  const stored = await stack.database.message.count({ where: { role: 'user' } });
  must(stored === accepted.length, `${stored} questions are stored, ${accepted.length} were accepted`);
}

/** Posts with a key, and again as long as the answer is 503. */
async function postUntilTaken(chaos: Chaos, agentId: string, message: string): Promise<void> {
  await waitUntil(
    async () => {
      const answer = await chaos.stack.api.invoke(
        { agentId, message },
        { 'idempotency-key': message.replaceAll(' ', '-') },
      );
      must(
        answer.status === 202 || answer.status === 503,
        `a POST was answered ${answer.status}: ${JSON.stringify(answer.body)}`,
      );
      if (answer.status === 503) return false;
      chaos.accepted.push({ id: answer.body.id, conversationId: answer.body.conversationId, message });
      return true;
    },
    { what: `${message} to be accepted`, timeoutMs: 20_000, everyMs: 100 },
  );
}

/** Whether every worker holds its lock on a session of its own, and the worker that was cut off on a new session. */
async function holdsLock({ stack }: Chaos, cutAt: Date): Promise<boolean> {
  const holders = await stack.database.query<{ begun: Date }>`
    SELECT s.backend_start AS begun FROM worker w
    JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.classid = ${lifeLockSpace}::int::oid AND l.objid = w.lock_key::int::oid
    JOIN pg_stat_activity s ON s.pid = l.pid`;
  return holders.length === 2 && holders.some(({ begun }) => begun > cutAt);
}
