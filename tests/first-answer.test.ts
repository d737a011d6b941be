import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { showFirstAnswer } from '../scripts/start/show-first-answer.ts';

const ids = { id: 'invocation', conversationId: 'conversation' };
const echo = { id: 'agent', name: 'Echo', avatar: '', provider: 'echo', model: 'echo' };
const snapshot = {
  status: 'completed',
  text: 'You said: Hello!',
  reasoning: '',
  upToSeq: 9,
  messageId: null,
  contentSha256: null,
  error: null,
};

describe('the first answer of npm start', () => {
  const closes: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0)) await close();
  });

  async function listen(answer: RequestListener) {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closes.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  /** An API that accepts the message, or refuses it. */
  const openApi = (status = 202, body: object = ids) =>
    listen((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });

  /** A gateway that answers each subscribe, and then sends these events. */
  async function openGateway(events: object[], answers: object[] = []) {
    const { server, url } = await listen(() => {});
    const io = new Server(server);
    closes.push(() => io.close());
    io.on('connection', (socket) => {
      socket.on('conversation:subscribe', (_request, acknowledge) => {
        const answer = answers.shift();
        acknowledge(answer ?? { data: { invocations: [] } });
        if (answer) return;
        for (const [index, event] of events.entries())
          socket.emit('invocation:event', { ...ids, invocationId: ids.id, seq: index + 1, at: '', ...event });
      });
    });
    return { url };
  }

  async function show(api: { url: string }, gateway: { url: string }, limitMs?: number): Promise<string> {
    let written = '';
    await showFirstAnswer(
      { api: api.url, gateway: gateway.url, key: null },
      echo,
      (text) => {
        written += text;
      },
      limitMs,
    );
    return written;
  }

  it('may come as a snapshot, of the whole answer or of its end', async () => {
    expect(await show(await openApi(), await openGateway([{ type: 'invocation.snapshot', data: snapshot }]))).toBe(
      'You said: Hello!',
    );
    const deltaFirst = [
      { type: 'message.delta', data: { text: 'You said: ' } },
      { type: 'invocation.snapshot', data: snapshot },
    ];
    expect(await show(await openApi(), await openGateway(deltaFirst))).toBe('You said: Hello!');
  });

  it('is requested again if the gateway cannot watch yet', async () => {
    const gateway = await openGateway(
      [{ type: 'invocation.snapshot', data: snapshot }],
      [{ error: { code: 'redis_unavailable', message: 'Redis is away' } }],
    );
    expect(await show(await openApi(), gateway)).toBe('You said: Hello!');
  });

  it.each([
    ['that failed', { ...snapshot, status: 'failed', error: { message: 'no' } }, 'it ended as failed (no)'],
    ['that was cancelled', { ...snapshot, status: 'cancelled' }, 'it ended as cancelled'],
  ])('shows how it ended if it is a snapshot of an invocation %s', async (_how, data, reason) => {
    const gateway = await openGateway([{ type: 'invocation.snapshot', data }]);
    await expect(show(await openApi(), gateway)).rejects.toThrow(reason);
  });

  it('shows the error of the API if it refuses the message', async () => {
    const api = await openApi(409, { title: 'Agent is inactive', detail: 'the agent is not active' });
    await expect(show(api, { url: 'http://127.0.0.1:1' })).rejects.toThrow(
      'the API refused the message with 409: the agent is not active',
    );
  });

  it('gives up if no event comes, and shows the last error of the gateway', async () => {
    const silent = await openGateway([]);
    await expect(show(await openApi(), silent, 300)).rejects.toThrow('no event came for 0.3 s');
    const gateway = { url: 'http://127.0.0.1:1' };
    await expect(show(await openApi(), gateway, 300)).rejects.toThrow(/no event came for 0.3 s \(\w/);
  });
});
