import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InvocationEvent } from '@nexus/protocol/event';
import { Server, type Socket as ServerSocket } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

/** The JavaScript of the protocol page, plus the functions that the page leaves to its reader. */
async function runExample(url: string, conversationId: string) {
  const page = await readFile(new URL('../docs/protocol.md', import.meta.url), 'utf8');
  const [, code] = /```js\nimport \{ io \} from 'socket\.io-client';[^\n]*\n(.*?)```/s.exec(page) ?? [];
  const texts = new Map<string, string>();
  const types: string[] = [];
  const render = (id: string, text: string, type: string) => {
    texts.set(id, text);
    types.push(type);
  };
  const run = new Function('io', 'conversationId', 'render', `${code}\nreturn { socket, cursors, subscribe };`);
  const connect = () => io(url, { forceNew: true, reconnectionDelay: 20 });
  const example: { socket: Socket; cursors: Record<string, number>; subscribe(): void } = run(
    connect,
    conversationId,
    render,
  );
  return { ...example, texts, types };
}

describe('the example client of the protocol page', () => {
  let provider: ProviderServer;
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    provider = await openProviderServer();
    stack = await openStack({ env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url } });
    agentId = await createPacedAgent(stack.api, 't20-n40-d15');
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  it('shows the stored text after any repeated subscribe and any lost connection', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const client = await runExample(stack.gatewayUrl, conversation.id);
    client.subscribe(); // before it is connected
    const { body } = await stack.api.invoke({ agentId, message: 'example', conversationId: conversation.id });
    const { id } = body;
    client.cursors[id] ??= 0;
    for (const length of [40, 80, 120]) {
      await waitUntil(() => (client.texts.get(id)?.length ?? 0) > length, { what: `${length} characters` });
      client.subscribe();
      if (length === 80) client.socket.io.engine.close();
    }
    const isOver = (type: string) => ['invocation.completed', 'invocation.snapshot'].includes(type);
    await waitUntil(() => isOver(client.types.at(-1) ?? ''), { what: 'the end' });
    expect(client.texts.get(id)).toBe((await stack.api.finished(id)).output);
    client.socket.disconnect();
  });
});

describe('the example client, with a gateway that sends too many events', () => {
  const ids = { conversationId: 'c', invocationId: 'i', at: '' };
  const delta = (seq: number, text: string, from?: number) =>
    ({ ...ids, seq, ...(from ? { from } : {}), type: 'message.delta', data: { text } }) as InvocationEvent;
  const snapshot = (seq: number, text: string) =>
    ({ ...ids, seq, type: 'invocation.snapshot', data: { status: 'running', text } }) as InvocationEvent;

  /** A gateway that sends the given events, and notes the requests. */
  async function openGateway() {
    const http = createServer();
    const server = new Server(http);
    const asked: [string, unknown][] = [];
    let socket: ServerSocket | undefined;
    let answer: ((subscribed: boolean) => void) | undefined;
    server.on('connection', (connected) => {
      socket = connected;
      connected.onAny((name: string, request: { cursors?: unknown }, acknowledge: (given: object) => void) => {
        asked.push([name, structuredClone(request.cursors)]);
        if (name === 'conversation:unsubscribe') answer = () => acknowledge({ data: null });
        else acknowledge({ data: { invocations: [] } });
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const client = await runExample(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, 'c');
    await waitUntil(() => asked.length === 1, { what: 'the subscribe' });
    return {
      client,
      asked,
      /** Resolves when all events have arrived: it waits for a later message on the same connection. */
      async send(...events: InvocationEvent[]): Promise<void> {
        for (const event of events) socket?.emit('invocation:event', event);
        await new Promise<void>((resolve) => {
          client.socket.once('arrived', () => resolve());
          socket?.emit('arrived');
        });
      },
      answerUnsubscribe: () => answer?.(true),
      async close() {
        client.socket.disconnect();
        await server.close();
      },
    };
  }

  it('ignores events that it has seen, and accepts a snapshot with any seq', async () => {
    const { client, asked, send, close } = await openGateway();
    await send(delta(1, 'a'), delta(2, 'b'), delta(2, 'b'), delta(2, 'ab', 1), delta(3, 'c'));
    expect([client.texts.get('i'), client.cursors]).toEqual(['abc', { i: 3 }]);
    await send(snapshot(2, 'AB'), delta(3, 'C'));
    expect([client.texts.get('i'), client.cursors, asked.length]).toEqual(['ABC', { i: 3 }, 1]);
    await close();
  });

  it('subscribes again after an event that it has seen in part, and shows nothing until its unsubscribe is acknowledged', async () => {
    const { client, asked, send, answerUnsubscribe, close } = await openGateway();
    await send(delta(1, 'a'), delta(2, 'b'), delta(4, 'bcd', 2), delta(5, 'e'));
    await waitUntil(() => asked.length === 2, { what: 'the unsubscribe' });
    answerUnsubscribe();
    await waitUntil(() => asked.length === 3, { what: 'the second subscribe' });
    expect(asked).toEqual([
      ['conversation:subscribe', {}],
      ['conversation:unsubscribe', undefined],
      ['conversation:subscribe', { i: 2 }],
    ]);
    await send(delta(5, 'cde', 3));
    expect(client.texts.get('i')).toBe('abcde');
    await close();
  });
});
