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

    const orphan = await begin('its worker is dead');
    await waitUntil(() => (chaos.provider.callsFor(orphan.message)[0]?.sent.length ?? 0) > 50, { what: 'some text' });
    const dead = chaos.stack.workers[0];
    must(dead, 'a worker');
    dead.signal('SIGKILL');
    from = performance.now();
    must((await cancel(orphan.id)).status === 202, 'the cancel was refused');
    await chaos.stack.start('worker');
    await chaos.verify({ statuses: ['cancelled'], dead: [dead], jobsMayLinger: true });
    const ms = performance.now() - from;
    must(chaos.provider.callsFor(orphan.message).length === 1, 'it was called again though it was cancelled');
    return `sockets closed within ${seconds(Math.max(...closes))}; the orphan ended within ${seconds(ms)}`;
  },
};

export const delivered: ChaosRow = {
  id: '18',
  title: 'the same job delivered again and again, the same sweep by five workers at once',
  async run({ open }) {
    const chaos = await open({ workers: 5 });
    const agentId = await chaos.agent('t20-n40-d25');
    const conversationId = await chaos.newConversation();
    await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'delivered often', { conversationId });
    await waitUntil(() => chaos.provider.callsFor(entry.message)[0]?.sent, { what: 'some text' });
    await deliverAgain(chaos, entry, 20);
    // Something for five sweeps to find at once: rows that never reached the queue, waiting heads, and a wish to cancel.
    const lost = await Promise.all(Array.from({ length: 20 }, (_, index) => chaos.post(agentId, `swept ${index}`)));
    const ids = lost.map(({ id }) => id);
    await chaos.stack.database
      .$executeRaw`UPDATE invocation SET enqueued_at = NULL WHERE id = ANY(${ids}::uuid[]) AND status = 'queued'`;
    await chaos.verify({ boundMs: 60_000 });
    for (const { message } of chaos.accepted)
      must(chaos.provider.callsFor(message).length === 1, `${message} was called more than once`);
    return '20 redeliveries and 20 rows swept by five: one effect each';
  },
};
