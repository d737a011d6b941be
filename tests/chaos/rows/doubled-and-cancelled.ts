import { silent } from '../../support/open-provider-server.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, seconds } from '../chaos-row.ts';
import { deliverAgain } from './worker-deaths.ts';

export const cancelEverywhere: ChaosRow = {
  id: '17',
  title: 'cancel in each state, and when the worker is dead',
  async run({ open }) {
    const chaos = await open({ workers: 1 });
    const agentId = await chaos.agent('t20-n400-d25');
    const cancel = (id: string) => chaos.stack.api.send<{ status: string }>('POST', `/api/invocations/${id}/cancel`);
    const begin = async (message: string) => {
      const conversationId = await chaos.newConversation();
      await chaos.watch(conversationId);
      return chaos.post(agentId, message, { conversationId });
    };
    const closes: number[] = [];
    const closed = async (message: string, from: number) => {
      await waitUntil(() => chaos.provider.callsFor(message)[0]?.closedEarlyAt, {
        what: `${message}: the socket to close`,
      });
      const ms = (chaos.provider.callsFor(message)[0]?.closedEarlyAt ?? 0) - from;
      must(ms <= 1_000, `${message}: the socket was closed after ${ms} ms`);
      closes.push(ms);
    };

    chaos.provider.next(silent);
    const before = await begin('before the first token');
    await waitUntil(() => chaos.provider.callsFor(before.message)[0], { what: 'the call' });
    const queued = await chaos.post(agentId, 'queued behind it', { conversationId: before.conversationId });
    must((await cancel(queued.id)).body.status === 'cancelled', 'the queued one was not cancelled at once');
    let from = performance.now();
    await cancel(before.id);
    await closed(before.message, from);

    const mid = await begin('mid-stream');
    await waitUntil(() => (chaos.provider.callsFor(mid.message)[0]?.sent.length ?? 0) > 50, { what: 'some text' });
    from = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => cancel(mid.id)));
    await closed(mid.message, from);

    await waitUntil(async () => (await cancel(mid.id)).body.status === 'cancelled', { what: 'the end' });
    const told = await cancel(mid.id);
    must(told.status === 200 && told.body.status === 'cancelled', `cancelled after its end: ${told.status}`);

    const quick = await chaos.agent('t0-n1-d0');
    const over = await chaos.post(quick, 'over already');
    await chaos.stack.api.finished(over.id);
    const late = await cancel(over.id);
    must(late.status === 200 && late.body.status === 'completed', `cancelled after it completed: ${late.body.status}`);

    const orphan = await begin('its worker is dead');
    await waitUntil(() => (chaos.provider.callsFor(orphan.message)[0]?.sent.length ?? 0) > 50, { what: 'some text' });
    const dead = chaos.stack.workers[0];
    must(dead, 'a worker');
    dead.signal('SIGKILL');
    from = performance.now();
    must((await cancel(orphan.id)).status === 202, 'the cancel was refused');
    await chaos.stack.start('worker');
    const ended = await chaos.stack.api.finished(orphan.id);
    const ms = performance.now() - from;
    must(ended.status === 'cancelled', `the orphan ended as ${ended.status}`);
    await chaos.verify({ statuses: ['cancelled', 'completed'], dead: [dead], jobsMayLinger: true });
    must(chaos.provider.callsFor(orphan.message).length === 1, 'it was called again although it was cancelled');
    return `sockets closed within ${seconds(Math.max(...closes))}; the orphan ended within ${seconds(ms)}`;
  },
};

export const delivered: ChaosRow = {
  id: '18',
  title: 'the same job delivered again and again, the same sweep by five workers at once',
  async run({ open }) {
    const chaos = await open({ workers: 6, env: { WORKER_CONCURRENCY: '4' } });
    const agentId = await chaos.agent('t20-n40-d25');
    const conversationId = await chaos.newConversation();
    await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'delivered often', { conversationId });
    await waitUntil(() => chaos.provider.callsFor(entry.message)[0]?.sent, { what: 'some text' });
    await deliverAgain(chaos, entry, 20);

    // Every worker is busy, so the rest stays in the queue. Then five sweeps find the same rows at once: some that were never enqueued, some with
    // a cancel request that no process has acted on, and those of a dead worker.
    const busyId = await chaos.agent('t20-n100-d25');
    const posted = await Promise.all(Array.from({ length: 50 }, (_, index) => chaos.post(busyId, `swept ${index}`)));
    const queuedIds = async () =>
      (await chaos.stack.database.invocation.findMany({ where: { status: 'queued' }, select: { id: true } })).map(
        ({ id }) => id,
      );
    await waitUntil(async () => (await queuedIds()).length === posted.length - 6 * 4, { what: 'half to wait' });
    const waiting = await queuedIds();
    const [unheard, unwanted] = [waiting.slice(0, 10), waiting.slice(10, 20)];
    const { database } = chaos.stack;
    await database.$executeRaw`UPDATE invocation SET enqueued_at = NULL WHERE id = ANY(${unheard}::uuid[])`;
    await database.$executeRaw`UPDATE invocation SET cancel_requested_at = now() WHERE id = ANY(${unwanted}::uuid[])`;
    const dead = chaos.stack.workers[5];
    must(dead, 'six workers');
    const held = await database.query<{ id: string }>`
      SELECT i.id FROM invocation i JOIN worker w ON w.id = i.worker_id WHERE w.pid = ${dead.pid}::int AND i.status = 'running'`;
    dead.signal('SIGKILL');
    await chaos.verify({
      boundMs: 60_000,
      statuses: ['completed', 'cancelled'],
      dead: [dead],
      jobsMayLinger: true,
    });
    for (const { id, message } of chaos.accepted) {
      const calls = chaos.provider.callsFor(message).length;
      const most = held.some((each) => each.id === id) ? 2 : 1;
      must(calls <= most && (calls > 0 || unwanted.includes(id)), `${message} was called ${calls} times`);
      const { dispatch, status } = await database.invocation.findUniqueOrThrow({ where: { id } });
      must(dispatch <= most, `${message} was dispatched ${dispatch} times`);
      must((status === 'cancelled') === unwanted.includes(id), `${message} ended as ${status}`);
    }
    return `20 redeliveries, ${unheard.length + unwanted.length} waiting rows and ${held.length} of a dead worker swept by five: one effect each`;
  },
};
