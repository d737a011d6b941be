import { createApiClient } from '../../support/api-client.ts';
import { openProxy } from '../../support/open-proxy.ts';
import { residentBytes } from '../../support/resident-bytes.ts';
import type { RunningService } from '../../support/start-service.ts';
import { nameTo } from '../../support/watch-conversation.ts';
import { type ChaosRow, createRandom, must, seconds, sleep } from '../chaos-row.ts';
import { faultsFor, pick, portOf } from '../faults.ts';
import type { Chaos } from '../open-chaos.ts';

export const randomFaults: ChaosRow = {
  id: '22',
  title: 'random faults, one every few seconds, 20 conversations busy throughout',
  async run({ open, scale, seed, say }) {
    const lastsMs = scale === 'full' ? 600_000 : 20_000;
    const random = createRandom(seed);
    const chaos = await open({ workers: 3, gateways: 2, apis: 2, redis: { appendOnly: true } });
    const [firstApi, firstGateway, lastGateway] = [chaos.stack.apis[0], ...chaos.stack.gateways];
    must(firstApi && firstGateway && lastGateway, 'two of each');
    const front = await openProxy(portOf(lastGateway));
    const frontUrl = `http://127.0.0.1:${front.port}`;
    const dead = new Set<RunningService>();
    const faults = faultsFor(random, { dead, front });
    const apis = [createApiClient(() => firstApi.url), chaos.stack.api];
    const agentId = await chaos.agent('t20-n30-d25');
    const conversations = await Promise.all(Array.from({ length: 20 }, () => chaos.newConversation()));
    for (const [index, conversationId] of conversations.entries())
      await chaos.watch(conversationId, index % 2 === 0 ? {} : { url: frontUrl });
    const until = performance.now() + lastsMs;
    let stopped = false;
    let posted = 0;

    const accept = (posted: Chaos['accepted'][number]) => {
      chaos.accepted.push(posted);
      nameTo(chaos.watchers, posted);
    };

    /** Posts with the same key again and again until the API accepts the message. */
    const talk = async (conversationId: string, index: number) => {
      const api = apis[index % 2] ?? chaos.stack.api;
      while (!stopped && performance.now() < until) {
        posted += 1;
        const message = `busy ${posted}`;
        const key = { 'idempotency-key': `chaos-22-${seed}-${posted}` };
        for (let taken = false; !taken; ) {
          const answer = await api.invoke({ agentId, message, conversationId }, key).catch(() => null);
          taken = answer?.status === 202;
          if (!taken && performance.now() > until + 30_000) throw new Error(`I1: ${message} was never accepted`);
          if (!answer || !taken) await sleep(200);
          else accept({ id: answer.body.id, conversationId, message });
        }
        const { id } = chaos.accepted.find((each) => each.message === message) ?? { id: '' };
        await api.finished(id, 60).catch(() => sleep(200));
      }
    };
    const talking = Promise.all(conversations.map(talk));
    talking.catch(() => {}); // awaited below

    const counts = new Map<string, number>();
    const memory: { at: number; bytes: number }[] = [];
    try {
      while (performance.now() < until) {
        await sleep(2_000 + random() * 2_000);
        const fault = pick(random, faults);
        if (!fault) continue;
        await fault.bring(chaos);
        counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
        const bytes = (await residentBytes(firstApi.url)) + (await residentBytes(firstGateway.url));
        memory.push({ at: performance.now(), bytes });
        say(
          `${seconds(until - performance.now())} left, ${chaos.accepted.length} accepted, ${(bytes / 1e6).toFixed(0)} MB; ${fault.name}`,
        );
      }
      stopped = true;
      await talking;
      await chaos.verify({ boundMs: 90_000, dead: [...dead], jobsMayLinger: true, retriesAllowed: true });
    } finally {
      stopped = true;
      await front.close();
    }
    const growth = slopeAfterWarmUp(memory);
    if (scale === 'full')
      must(growth < 1.25, `resident memory of API and gateway grew by a factor of ${growth.toFixed(2)} after warm-up`);
    return `${chaos.accepted.length} accepted through ${[...counts.values()].reduce((a, b) => a + b, 0)} faults; memory × ${growth.toFixed(2)} after warm-up`;
  },
};

/** The mean of the last quarter divided by the mean of the second one: 1 is flat. */
function slopeAfterWarmUp(memory: { bytes: number }[]): number {
  const quarter = Math.floor(memory.length / 4);
  const mean = (part: { bytes: number }[]) =>
    part.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, part.length);
  return quarter === 0 ? 1 : mean(memory.slice(-quarter)) / mean(memory.slice(quarter, 2 * quarter));
}
