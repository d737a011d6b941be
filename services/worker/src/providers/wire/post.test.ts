import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { openWireServer } from '../testing/open-wire-server.ts';
import { createPost } from './post.ts';
import { readEvents } from './read-events.ts';

describe('post', () => {
  it('sets no timeout of its own, also not after a redirect', async () => {
    const server = await openWireServer();
    const agent = new Agent();
    const asked: Dispatcher.DispatchOptions[] = [];
    const watched = agent.compose((dispatch) => (options, handler) => {
      asked.push(options);
      return dispatch(options, handler);
    });
    server.reply({ status: 307, headers: { location: '/moved' } }, { pieces: ['a'] });
    const request = { url: new URL(server.url), headers: {}, credentials: {}, body: '{}' };
    const { body } = await createPost(watched)(request, new AbortController().signal);
    body.resume();
    expect(asked).toHaveLength(2);
    for (const options of asked) expect(options).toMatchObject({ headersTimeout: 0, bodyTimeout: 0 });
    await agent.close();
    await server.close();
  });

  it('is read in the context of its call, also over a connection that another call opened', async () => {
    const told = new EventEmitter();
    const ports = new Set<number | undefined>();
    const server = createServer(async (request, response) => {
      ports.add(request.socket.remotePort);
      for (const number of [1, 2]) {
        response.write(`data: ${number}\n\n`);
        await once(told, 'part');
      }
      response.end('data: 3'); // is read at the end, without its blank line
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const post = createPost();
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    function onEvent(): void {
      seen.push(context.getStore());
      told.emit('part');
    }
    async function call(): Promise<void> {
      const { body } = await post({ url, headers: {}, credentials: {}, body: '{}' }, new AbortController().signal);
      await readEvents(body, { title: 'Some', endMark: null, onEvent });
    }
    await context.run('first', call);
    await new Promise((resolve) => setTimeout(resolve)); // a turn later the connection is free
    await context.run('second', call);
    expect(seen).toEqual(['first', 'first', 'first', 'second', 'second', 'second']);
    expect(ports.size).toBe(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
