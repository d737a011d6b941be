import { Agent, type Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { openWireServer } from '../testing/open-wire-server.ts';
import { createPost } from './post.ts';

describe('post', () => {
  it('sets no limit of its own to how long a provider may be silent, also not where it is sent to', async () => {
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
});
