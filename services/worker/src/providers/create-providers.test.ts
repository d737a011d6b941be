import { AppError } from '@nexus/common/errors/app-error';
import { Agent, EnvHttpProxyAgent, fetch, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
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
  it('costs only that provider when a key is missing', () => {
    const { providers, unconfigured } = createProviders(config, ['echo', 'ollama', 'openai', 'gemini']);
    expect([...providers.keys()]).toEqual(['echo', 'ollama', 'gemini']);
    expect(unconfigured).toEqual(['openai']);
  });

  it('makes only those that are wanted', () => {
    const { providers, unconfigured } = createProviders(config, ['ollama']);
    expect([...providers.keys()]).toEqual(['ollama']);
    expect(unconfigured).toEqual([]);
  });

  it.concurrent.each([
    ['ollama', 'before it begins to answer', { silent: true }],
    ['ollama', 'in its answer', { after: 'hang' as const }],
    ['gemini', 'before it begins to answer', { silent: true }],
    ['gemini', 'in its answer', { after: 'hang' as const }],
  ] as const)('lets %s be silent for longer than fetch would bear %s', async (name, _when, reply) => {
    const server = await openWireServer();
    server.reply(reply);
    const impatient = (ms: number) => new Agent({ headersTimeout: ms, bodyTimeout: ms });
    setGlobalDispatcher(impatient(50));
    const { url: baseUrl } = server;
    const { providers } = createProviders({ ...config, gemini: { apiKey: 'key', baseUrl }, ollama: { baseUrl } }, [
      name,
    ]);
    const controller = new AbortController();
    const failure = failureOf(async (onPart) => {
      const answer = providers.get(name)?.stream(hello, onPart, controller.signal);
      return answer ?? Promise.reject(new Error(`${name} is missing`));
    });
    // undici looks at its limits about twice a second: far enough apart, the shorter one would have struck.
    const bounded = fetch(baseUrl, { method: 'POST', body: '{}', dispatcher: impatient(1_200) });
    await expect(bounded.then((response) => response.text())).rejects.toMatchObject({
      cause: { code: expect.stringMatching(/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/) },
    });
    const reason = new AppError('cancelled');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await server.close();
  });

  it('heed proxies of the environment where Node is told to', () => {
    process.env.NODE_USE_ENV_PROXY = '1';
    createProviders(config, []);
    expect(getGlobalDispatcher()).toBeInstanceOf(EnvHttpProxyAgent);
    delete process.env.NODE_USE_ENV_PROXY;
    createProviders(config, []);
    expect(getGlobalDispatcher()).not.toBeInstanceOf(EnvHttpProxyAgent);
  });
});
