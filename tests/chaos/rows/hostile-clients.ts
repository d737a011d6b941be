import { connect } from 'node:net';
import { isLastEvent } from '@nexus/protocol/event';
import fc from 'fast-check';
import { io } from 'socket.io-client';
import { agentPatch, newAgent } from '../../../services/api/src/agents/agent-input.ts';
import { conversationPatch, newConversation } from '../../../services/api/src/conversations/conversation-input.ts';
import { cancelBody, listInvocations, newInvocation } from '../../../services/api/src/invocations/invocation-input.ts';
import { nearly } from '../../support/nearly.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must } from '../chaos-row.ts';

/** Sends a raw request that no client library would send. */
function raw(url: string, bytes: string, limitMs = 15_000): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), limitMs);
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

export const badRequests: ChaosRow = {
  id: '19',
  title: 'requests that no client should send, and fuzzed ones',
  async run({ open, scale, seed }) {
    const requests = scale === 'full' ? 10_000 : 1_000;
    const chaos = await open({ workers: 1, gateways: 0 });
    const { api, apiUrl } = chaos.stack;
    const agentId = chaos.stack.echoAgentId;
    const refused = async (body: string, what: string) => {
      const response = await fetch(`${apiUrl}/api/invoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const isProblem = response.headers.get('content-type')?.includes('application/problem+json');
      must(response.status >= 400 && response.status < 500 && isProblem, `${what}: ${response.status}`);
    };
    await refused(`{"message":"${'x'.repeat(2_000_000)}"}`, 'a body over the limit');
    await refused(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, '100,000-deep JSON');
    await refused(
      `{"agentId":"${agentId}","message":"x","metadata":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      'deep metadata',
    );
    await refused(`{"agentId":"${agentId}","message":"x","__proto__":{"admin":true}}`, '__proto__');
    await refused(`{"agentId":{"$ne":null},"message":"x"}`, 'an operator');
    await refused(`{"agentId":"${agentId}","message":"a\\u0000b"}`, 'NUL');
    await refused(`{"agentId":"${agentId}","message":"a\\ud800b"}`, 'half a surrogate pair');
    const kept = await chaos.post(agentId, `'; DROP TABLE message; -- ${'ü🦙'}`);
    must(
      (await api.finished(kept.id)).output?.endsWith(`'; DROP TABLE message; -- ü🦙`),
      'SQL in a message was not kept as text',
    );
    must(
      /^HTTP\/1\.1 400/.test(
        await raw(
          apiUrl,
          'POST /api/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: nine\r\n\r\n',
        ),
      ),
      'a bad content-length',
    );
    must(/^HTTP\/1\.1 400/.test(await raw(apiUrl, 'NONSENSE\r\n\r\n')), 'no HTTP at all');
    const slowFrom = performance.now();
    const slowloris = await raw(apiUrl, 'POST /api/invoke HTTP/1.1\r\nHost: x\r\nX-Slow: ', 20_000);
    must(
      /^HTTP\/1\.1 408/.test(slowloris) && performance.now() - slowFrom < 18_000,
      `slow headers: ${slowloris.slice(0, 40)}`,
    );

    const ids = [agentId, kept.id, kept.conversationId, '00000000-0000-7000-8000-00000000ffff'];
    const { body: patched } = await api.send<{ id: string }>('POST', '/api/agents', {
      name: 'to be changed',
      provider: 'echo',
      model: 'echo',
    });
    const targets: fc.Arbitrary<{ method: string; path: string; body?: unknown }>[] = [
      nearly(newInvocation, ids).map((body) => ({ method: 'POST', path: '/api/invocations', body })),
      nearly(newInvocation, ids).map((body) => ({ method: 'POST', path: '/api/invoke', body })),
      nearly(newAgent, ids).map((body) => ({ method: 'POST', path: '/api/agents', body })),
      nearly(agentPatch, ids).map((body) => ({ method: 'PATCH', path: `/api/agents/${patched.id}`, body })),
      nearly(newConversation, ids).map((body) => ({ method: 'POST', path: '/api/conversations', body })),
      nearly(conversationPatch, ids).map((body) => ({
        method: 'PATCH',
        path: `/api/conversations/${kept.conversationId}`,
        body,
      })),
      nearly(cancelBody, ids).map((body) => ({ method: 'POST', path: `/api/invocations/${kept.id}/cancel`, body })),
      nearly(listInvocations, ids).map((query) => ({ method: 'GET', path: `/api/invocations?${toQuery(query)}` })),
    ];
    const statuses = new Map<number, number>();
    const fuzzed = fc.sample(fc.oneof(...targets), { numRuns: requests, seed });
    for (let start = 0; start < fuzzed.length; start += 20) {
      await Promise.all(
        fuzzed.slice(start, start + 20).map(async ({ method, path, body }) => {
          const { status, headers } = await api.send(method, path, body);
          const shown = `${status} for ${method} ${path} ${JSON.stringify(body)}`;
          must(status < 500, shown);
          const isProblem = headers.get('content-type')?.includes('application/problem+json') ?? false;
          must(isProblem === status >= 400, `${shown} as ${headers.get('content-type')}`);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }),
      );
    }
    for (const status of [200, 201, 202, 422]) must(statuses.has(status), `none of the fuzzed was answered ${status}`);
    // Some fuzzed requests were valid and accepted. They must end like any other invocation.
    await waitUntil(
      async () =>
        (await chaos.stack.database.invocation.count({ where: { status: { in: ['queued', 'running'] } } })) === 0,
      { what: 'I1: all that was accepted among the fuzzed to end', timeoutMs: 60_000, everyMs: 100 },
    );
    await chaos.verify({ boundMs: 60_000, mayGrowBytes: 400_000_000 }); // such a busy heap does not shrink at once
    must((await fetch(`${apiUrl}/livez`)).ok, 'the API died');
    return `${requests} fuzzed requests: ${[...statuses]
      .toSorted()
      .map(([status, times]) => `${times} × ${status}`)
      .join(', ')}`;
  },
};

function toQuery(query: unknown): string {
  const pairs: [string, unknown][] = Object.entries(typeof query === 'object' && query !== null ? query : { query });
  return new URLSearchParams(
    pairs.map(([name, value]): [string, string] => [name, String(value).toWellFormed()]),
  ).toString();
}

export const badPackets: ChaosRow = {
  id: '20',
  title: 'malformed Socket.IO packets, binary floods, 10,000 subscribes, 1 MB events',
  async run({ open, scale }) {
    const subscribes = scale === 'full' ? 10_000 : 2_000;
    const chaos = await open({ workers: 1 });
    const url = chaos.stack.gatewayUrl;
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);

    for (const packet of [
      '42',
      '42["',
      '42[]',
      '42{}',
      '45-1["x"]',
      '51-["x",{"_placeholder":true,"num":9}]',
      '4999',
      '\u0000',
      '2probe',
      '40/nowhere,',
      '44{"a":1}',
      '42["__proto__"]',
      '42["connect"]',
      '42["disconnect"]',
      '42["conversation:subscribe",{"__proto__":{"a":1}}]',
    ]) {
      await sendRaw(url, packet);
    }
    await sendRaw(url, Buffer.alloc(60_000, 7));
    await Promise.all(Array.from({ length: 10 }, () => floodRaw(url, subscribes / 10)));
    await sendRaw(url, `42["conversation:subscribe","${'x'.repeat(1_000_000)}"]`);

    const greedy = io(url, { transports: ['websocket'], forceNew: true });
    await new Promise<void>((resolve) => greedy.on('connect', () => resolve()));
    const answers = await Promise.all(
      Array.from({ length: subscribes }, (_, index) =>
        greedy.timeout(60_000).emitWithAck('conversation:subscribe', {
          conversationId:
            index % 2 === 0 ? conversationId : `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
        }),
      ),
    );
    must(
      answers.every((answer) => 'data' in answer || 'error' in answer),
      'a subscribe was not answered',
    );
    greedy.disconnect();

    const agentId = await chaos.agent('t20-n20-d10');
    const entry = await chaos.post(agentId, 'after all that', { conversationId });
    const shown = await watcher.ended(entry.id);
    must(shown.last && isLastEvent(shown.last), 'the room is dead');
    await chaos.verify();
    return `${subscribes} subscribes answered; the others never noticed`;
  },
};

/** Sends binary packets as fast as possible, on a connected client, until the gateway refuses them. */
function floodRaw(url: string, packets: number): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  return new Promise((resolve) => {
    let connected = false;
    socket.onopen = () => socket.send('40');
    socket.onmessage = ({ data }) => {
      if (connected || !String(data).startsWith('40')) return;
      connected = true;
      for (let index = 0; index < packets; index += 1) socket.send(new Uint8Array(1_000).fill(index));
      socket.close();
    };
    socket.onerror = () => {};
    socket.onclose = () => resolve();
  });
}

/** Opens a raw Socket.IO connection, sends one packet, and waits until the gateway refuses it or a short time has passed. */
function sendRaw(url: string, packet: string | Buffer): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  return new Promise((resolve) => {
    socket.onopen = () => {
      socket.send('40');
      socket.send(typeof packet === 'string' ? packet : new Uint8Array(packet));
      setTimeout(() => socket.close(), 50);
    };
    socket.onerror = () => {};
    socket.onclose = () => resolve();
  });
}
