import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Samples = Map<string, number>;

/** The samples of /metrics by name with labels in the order they are written. */
async function scrape(url: string): Promise<Samples> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const shared = [
  'nexus_redis_ready{connection="commands"}',
  'nexus_redis_ready{connection="subscriber"}',
  'nexus_postgres_pool_connections{state="waiting"}',
  'nodejs_eventloop_lag_p99_seconds',
  'process_resident_memory_bytes',
];
const invocations = [
  'nexus_invocations_finished_total{provider="openai",status="failed"}',
  'nexus_invocation_duration_seconds_count{provider="openai",status="completed"}',
  'nexus_cancel_latency_seconds_count',
  'nexus_events_appended_total{kind="delta"}',
];
const readers = [
  'nexus_events_replayed_total',
  'nexus_gaps_repaired_total',
  'nexus_events_late_total{cause="silence"}',
  'nexus_events_late_total{cause="lost_log"}',
];

const exported = {
  api: [
    ...shared,
    ...invocations,
    ...readers,
    'nexus_http_request_duration_seconds_count{method="POST",route="/api/invocations",status="202"}',
    'nexus_invocations_created_total{provider="openai"}',
    'nexus_queue_jobs{provider="openai",state="waiting"}',
    'nexus_workers_online{provider="openai"}',
  ],
  gateway: [
    ...shared,
    ...invocations,
    ...readers,
    'nexus_socket_connections',
    'nexus_events_delivered_total',
    'nexus_slow_clients_total',
  ],
  worker: [
    ...shared,
    ...invocations,
    'nexus_redis_ready{connection="queue"}',
    'nexus_invocation_queue_wait_seconds_count{provider="openai"}',
    'nexus_invocation_time_to_first_token_seconds_count{provider="openai"}',
    'nexus_tokens_total{direction="output",provider="openai",model="gpt-4"}',
    'nexus_cost_usd_total{provider="openai",model="gpt-4"}',
    'nexus_recoveries_total{cause="lost"}',
    'nexus_attempts_active{provider="openai"}',
  ],
};

describe('metrics', () => {
  let provider: ProviderServer;
  let stack: Stack;
  const urls = () => ({
    api: stack.apiUrl,
    gateway: stack.gatewayUrl,
    worker: stack.workers[0]?.url ?? '',
  });
  beforeAll(async () => {
    provider = await openProviderServer();
    stack = await openStack({ env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url } });
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  it.each(['api', 'gateway', 'worker'] as const)('of the %s all exist before the first request', async (name) => {
    const samples = await scrape(urls()[name]);
    expect(exported[name].filter((each) => !samples.has(each))).toEqual([]);
    expect(samples.get('nexus_redis_ready{connection="commands"}')).toBe(1);
  });

  it('count an answer, and a cancelled invocation', async () => {
    const slow = await createPacedAgent(stack.api, 't0-n400-d25');
    const quick = await createPacedAgent(stack.api, 't1-n8-d1');
    const completed = await stack.api.invoke({ agentId: quick, message: 'count me' });
    const { usage } = await stack.api.finished(completed.body.id);
    const cancelled = await stack.api.invoke({ agentId: slow, message: 'count me not' });
    await waitUntil(() => provider.callsFor('count me not').find((call) => call.sent !== ''), { what: 'some text' });
    const during = await scrape(urls().worker);
    await stack.api.send('POST', `/api/invocations/${cancelled.body.id}/cancel`);
    await stack.api.finished(cancelled.body.id);

    const api = await scrape(urls().api);
    const worker = await waitUntil(
      async () => {
        const samples = await scrape(urls().worker);
        return samples.get('nexus_attempts_active{provider="openai"}') === 0 ? samples : null;
      },
      { what: 'the worker to be done' },
    );
    expect(during.get('nexus_attempts_active{provider="openai"}')).toBe(1);
    expect(Object.fromEntries(api)).toMatchObject({
      'nexus_invocations_created_total{provider="openai"}': 2,
      'nexus_workers_online{provider="openai"}': 1,
      'nexus_http_request_duration_seconds_count{method="POST",route="/api/invocations",status="202"}': 2,
    });
    expect(Object.fromEntries(worker)).toMatchObject({
      'nexus_invocations_finished_total{provider="openai",status="completed"}': 1,
      'nexus_invocations_finished_total{provider="openai",status="cancelled"}': 1,
      'nexus_invocation_queue_wait_seconds_count{provider="openai"}': 2,
      'nexus_invocation_time_to_first_token_seconds_count{provider="openai"}': 2,
      nexus_cancel_latency_seconds_count: 1,
      'nexus_tokens_total{direction="output",provider="openai",model="t1-n8-d1"}': usage[0]?.outputTokens,
      'nexus_events_appended_total{kind="terminal"}': 2,
    });
    expect(worker.get('nexus_invocation_duration_seconds_sum{provider="openai",status="completed"}')).toBeLessThan(10);
  });

  it('count a refused request under the same route as an accepted one', async () => {
    await stack.api.send('POST', '/api/conversations', {});
    await stack.api.send('POST', '/api/conversations', { nonsense: true });
    const samples = await waitUntil(
      async () => {
        const all = await scrape(urls().api);
        return all.has(
          'nexus_http_request_duration_seconds_count{method="POST",route="/api/conversations",status="422"}',
        )
          ? all
          : null;
      },
      { what: 'the refused one to be counted' },
    );
    expect(
      samples.get('nexus_http_request_duration_seconds_count{method="POST",route="/api/conversations",status="201"}'),
    ).toBe(1);
  });

  it('carry no ids as labels', async () => {
    for (const url of Object.values(urls())) {
      const text = await (await fetch(`${url}/metrics`)).text();
      expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    }
  });
});
