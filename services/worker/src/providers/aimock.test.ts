import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProviders } from './create-providers.ts';
import { collect, hello } from './testing/collect.ts';

const never = new AbortController().signal;
const content = 'Hi there! Here is a somewhat longer answer, so that it comes in several pieces. 🦙';

describe('against a public mock of the providers', () => {
  let mock: LLMock;
  beforeAll(async () => {
    mock = new LLMock({ port: 0 });
    mock.onMessage('hello', { content });
    await mock.start();
  });
  afterAll(() => mock.stop());

  it.each([
    ['openai', 'gpt-4'],
    ['gemini', 'gemini-pro'],
    ['ollama', 'llama3'],
  ] as const)('%s streams a whole answer', async (name, model) => {
    const { providers } = createProviders(
      {
        openai: { apiKey: 'mock', baseUrl: `${mock.url}/v1` },
        gemini: { apiKey: 'mock', baseUrl: mock.url },
        ollama: { baseUrl: mock.url },
        echo: { delayMs: 0 },
      },
      [name],
    );
    const provider = providers.get(name);
    if (!provider) throw new Error(`${name} is missing`);
    const { text, finish } = await collect((onPart) => provider.stream({ ...hello, model }, onPart, never));
    expect(text).toBe(content);
    expect(finish).toMatchObject({ reason: 'stop' });
  });
});
