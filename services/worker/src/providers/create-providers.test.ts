import { AppError } from '@nexus/common/errors/app-error';
import { Agent, getGlobalDispatcher, request, setGlobalDispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { createProviders } from './create-providers.ts';
import { failureOf, hello } from './testing/collect.ts';
import { openWireServer } from './testing/open-wire-server.ts';

const config = {
  openai: { apiKey: null, baseUrl: 'http://127.0.0.1' },
  gemini: { apiKey: 'key', baseUrl: 'http://127.0.0.1' },
  ollama: { baseUrl: 'http://127.0.0.1' },
  echo: { delayMs: 0 },
};

describe('createProviders', () => {
  it('leaves out only the provider whose key is missing', () => {
    const { providers, unconfigured } = createProviders(config, ['echo', 'ollama', 'openai', 'gemini']);
    expect([...providers.keys()]).toEqual(['echo', 'ollama', 'gemini']);
    expect(unconfigured).toEqual(['openai']);
  });

  it('makes only those that are wanted', () => {
    const { providers, unconfigured } = createProviders(config, ['ollama']);
    expect([...providers.keys()]).toEqual(['ollama']);
    expect(unconfigured).toEqual([]);
  });

  it.each(
    (['openai', 'gemini', 'ollama'] as const).flatMap((name) => [
      [name, 'before it begins to answer', { silent: true }] as const,
      [name, 'in its answer', { after: 'hang' as const }] as const,
    ]),
  )('lets %s be silent for longer than the timeouts of undici %s', async (name, _when, reply) => {
    const server = await openWireServer();
    server.reply(reply);
    const { url: baseUrl } = server;
    const keyed = { apiKey: 'key', baseUrl };
    const impatient = new Agent({ headersTimeout: 50, bodyTimeout: 50 });
    const before = getGlobalDispatcher();
    setGlobalDispatcher(impatient);
    const { providers } = createProviders({ ...config, openai: keyed, gemini: keyed, ollama: { baseUrl } }, [name]);
    const controller = new AbortController();
    const failure = failureOf(async (onPart) => {
      const answer = providers.get(name)?.stream(hello, onPart, controller.signal);
      return answer ?? Promise.reject(new Error(`${name} is missing`));
    });
    // undici checks its timeouts about twice a second: when this one fires, a timeout of the provider would have fired too.
    const bounded = request(baseUrl, { method: 'POST', body: '{}', dispatcher: impatient });
    await expect(bounded.then(({ body }) => body.text())).rejects.toMatchObject({
      code: expect.stringMatching(/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/),
    });
    const reason = new AppError('cancelled');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    setGlobalDispatcher(before);
    await server.close();
  });
});
