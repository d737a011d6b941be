import pg from 'pg';
import { createApiClient } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { waitUntil } from '../../tests/support/wait-until.ts';
import { type Watcher, watch } from '../../tests/support/watch-conversation.ts';
import { atMost } from '../figures/figure.ts';
import { percentile } from '../figures/percentile.ts';
import { toText } from '../figures/versus.ts';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import type { Nexus } from '../stack/open-nexus.ts';
import { type Phase, scaled } from './phase.ts';

/** Long enough that the worker always dies in the middle of the answer. */
const model = 't50-n64-d20';
const chunksBefore = 5;

/** How long a client waits, from the kill of the worker that was answering, for a new attempt and for its first chunk. */
export const recoveryPhase: Phase = {
  name: 'recovery',
  title: 'new attempt after kill -9 of its worker',
  async run({ bench: { nexus }, scale, say, release }) {
    const kills = scaled(20, scale, 5);
    const api = createApiClient(() => nexus.apiUrl);
    const agentId = await createPacedAgent(api, model);
    const database = new pg.Client({ connectionString: nexus.postgres.url });
    await database.connect();
    release(() => database.end());
    const attemptMs: number[] = [];
    const chunkMs: number[] = [];
    await nexus.addWorker();
    for (let kill = 1; kill <= kills; kill += 1) {
      const { restartedMs, firstChunkMs } = await killOnce(nexus, agentId, database);
      attemptMs.push(restartedMs);
      chunkMs.push(firstChunkMs);
      say(`kill ${kill} of ${kills}: new attempt after ${Math.round(restartedMs)} ms`);
      await nexus.addWorker();
    }
    const spread = (values: number[]) =>
      `p50 ${toText(percentile(values, 0.5))} ms, p99 ${toText(percentile(values, 0.99))} ms`;
    const detail = `p50 ${toText(percentile(attemptMs, 0.5) / 1_000)} s, ${kills} kills; BullMQ's defaults 59.5 s`;
    return {
      lines: [`new attempt: ${spread(attemptMs)}; its first chunk: ${spread(chunkMs)}; ${kills} kills`],
      figures: [atMost('new attempt after kill -9, p99', percentile(attemptMs, 0.99) / 1_000, 2, 's', detail)],
      data: { kills, attemptMs, chunkMs },
    };
  },
};

async function killOnce({ apiUrl, gatewayUrl }: Nexus, agentId: string, database: pg.Client) {
  const api = createApiClient(() => apiUrl);
  const { body: conversation } = await api.send<{ id: string }>('POST', '/api/conversations', {});
  const watcher = await watch(gatewayUrl, { conversationId: conversation.id });
  try {
    const { body } = await api.invoke({ agentId, conversationId: conversation.id, message: 'How are you?' });
    await waitUntil(() => countDeltas(watcher, 0) >= chunksBefore, { what: 'the first chunks', everyMs: 2 });
    const { rows } = await database.query<{ pid: number }>(
      'SELECT w.pid FROM invocation i JOIN worker w ON w.id = i.worker_id WHERE i.id = $1',
      [body.id],
    );
    if (!rows[0]) throw new Error('no worker has claimed the invocation');
    const killedAt = monotonicMs();
    process.kill(rows[0].pid, 'SIGKILL');
    const restarted = () => watcher.events.findIndex(({ type }) => type === 'invocation.restarted') + 1;
    await waitUntil(restarted, { what: 'a new attempt', timeoutMs: 30_000, everyMs: 2 });
    const restartedMs = monotonicMs() - killedAt;
    await waitUntil(() => countDeltas(watcher, restarted()), { what: 'its first chunk', everyMs: 2 });
    const firstChunkMs = monotonicMs() - killedAt;
    const { last, text } = await watcher.ended(body.id);
    if (last?.type !== 'invocation.completed' || text.split(' ').length !== 65)
      throw new Error(`the new attempt did not complete its answer: ${JSON.stringify(last?.type)}`);
    return { restartedMs, firstChunkMs };
  } finally {
    watcher.close();
  }
}

function countDeltas({ events }: Watcher, from: number): number {
  return events.slice(from).filter(({ type }) => type === 'message.delta').length;
}
