import {
  type Behaviour,
  beginStream,
  failing,
  mute,
  pause,
  sendText,
  silent,
} from '../../support/open-provider-server.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, seconds } from '../chaos-row.ts';

type Case = {
  name: string;
  behaviours: Behaviour[];
  status: 'completed' | 'failed';
  code?: string;
  calls: number;
  /** Whether partial text is kept. */
  partial?: boolean;
  /** The invocation must take at least this many milliseconds. */
  atLeastMs?: number;
};

const answered = (
  text: string,
  then: (response: Parameters<Behaviour>[1], gone: AbortSignal) => Promise<void> | void,
): Behaviour => {
  return async (call, response, gone) => {
    beginStream(response);
    sendText(call, response, text);
    await pause(20, gone);
    await then(response, gone);
  };
};
const trickles: Behaviour = async (call, response, gone) => {
  beginStream(response);
  while (!gone.aborted) {
    sendText(call, response, 'x');
    await pause(100, gone);
  }
};

const cases: Case[] = [
  { name: '429 without Retry-After', behaviours: [failing(429), failing(429)], status: 'completed', calls: 3 },
  {
    name: '429 with Retry-After',
    behaviours: [failing(429, {}, { 'retry-after': '1' })],
    status: 'completed',
    calls: 2,
    atLeastMs: 1_000,
  },
  {
    name: '429 with a long Retry-After',
    behaviours: [failing(429, {}, { 'retry-after': '11' })],
    status: 'completed',
    calls: 2,
    atLeastMs: 10_500,
  },
  {
    name: '500, 502, 529, then fine',
    behaviours: [failing(500), failing(502), failing(529)],
    status: 'completed',
    calls: 4,
  },
  {
    name: '500 for ever',
    behaviours: [failing(500), failing(500), failing(500), failing(500)],
    status: 'failed',
    code: 'provider_unavailable',
    calls: 4,
  },
  { name: 'accepts and never answers', behaviours: [mute], status: 'failed', code: 'first_token_timeout', calls: 1 },
  { name: 'begins and says nothing', behaviours: [silent], status: 'failed', code: 'first_token_timeout', calls: 1 },
  {
    name: 'stalls between tokens',
    behaviours: [answered('half', (_response, gone) => pause(60_000, gone))],
    status: 'failed',
    code: 'idle_timeout',
    calls: 1,
    partial: true,
  },
  {
    name: 'trickles for ever',
    behaviours: [trickles],
    status: 'failed',
    code: 'total_timeout',
    calls: 1,
    partial: true,
  },
  {
    name: 'closes early',
    behaviours: [answered('half', (response) => void response.end())],
    status: 'failed',
    code: 'stream_interrupted',
    calls: 1,
    partial: true,
  },
  {
    name: 'resets in the middle of a line',
    behaviours: [
      answered('half', (response) => {
        response.write('data: {"choices":[{"index":0,"del');
        response.socket?.resetAndDestroy();
      }),
    ],
    status: 'failed',
    code: 'stream_interrupted',
    calls: 1,
    partial: true,
  },
  {
    name: 'garbage',
    behaviours: [answered('half', (response) => void response.end('data: {{{\n\n'))],
    status: 'failed',
    code: 'provider_protocol_error',
    calls: 1,
    partial: true,
  },
  {
    name: 'garbage from the first byte',
    behaviours: [
      async (_call, response) => {
        beginStream(response);
        response.end('<html>\n\ndata: {{{\n\n');
      },
    ],
    status: 'failed',
    code: 'provider_protocol_error',
    calls: 1,
  },
  {
    name: 'an error inside a 200 stream',
    behaviours: [
      answered(
        'half',
        (response) => void response.end('data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'),
      ),
    ],
    status: 'failed',
    code: 'stream_interrupted',
    calls: 1,
    partial: true,
  },
  {
    name: 'closes before the first token, then fine',
    behaviours: [async (_call, response) => void response.destroy()],
    status: 'completed',
    calls: 2,
  },
];

export const providerMisbehaves: ChaosRow = {
  id: '14',
  title: 'a provider that misbehaves in every way we know',
  async run({ open, say }) {
    const chaos = await open({ workers: 1 });
    const agentId = await chaos.agent('t5-n5-d5', {
      firstTokenTimeoutMs: 1_500,
      idleTimeoutMs: 1_000,
      totalTimeoutMs: 20_000,
    });
    const trickled = await chaos.agent('t5-n5-d5', {
      firstTokenTimeoutMs: 1_500,
      idleTimeoutMs: 1_000,
      totalTimeoutMs: 2_000,
    });
    let closedMs = 0;
    for (const each of cases) {
      say(each.name);
      chaos.provider.next(...each.behaviours);
      const conversationId = await chaos.newConversation();
      const watcher = await chaos.watch(conversationId);
      const from = performance.now();
      const entry = await chaos.post(each.code === 'total_timeout' ? trickled : agentId, each.name, { conversationId });
      await watcher.ended(entry.id, 25_000);
      const ms = performance.now() - from;
      const endedAt = performance.now();
      const done = await chaos.stack.api.finished(entry.id);
      const calls = chaos.provider.callsFor(each.name);
      must(done.status === each.status, `${each.name}: ended as ${done.status} (${done.error?.code})`);
      must(!each.code || done.error?.code === each.code, `${each.name}: ${done.error?.code} instead of ${each.code}`);
      must(calls.length === each.calls, `${each.name}: ${calls.length} calls instead of ${each.calls}`);
      must(
        (done.status === 'completed' || done.output !== null) === (each.partial ?? each.status === 'completed'),
        `${each.name}: partial text ${done.output}`,
      );
      must(ms >= (each.atLeastMs ?? 0), `${each.name}: ${ms} ms, although the provider asked for a wait`);
      await waitUntil(() => calls.every((call) => call.complete || call.closedEarlyAt !== null), {
        what: `${each.name}: the socket to be closed`,
        timeoutMs: 1_000,
      });
      closedMs = Math.max(closedMs, ...calls.map(({ closedEarlyAt }) => (closedEarlyAt ?? endedAt) - endedAt));
    }
    await chaos.verify({ statuses: ['completed', 'failed'], retriesAllowed: true });
    return `${cases.length} kinds of misbehaviour, each with its own ending, sockets closed within ${seconds(closedMs)}; truncated text never completed`;
  },
};
