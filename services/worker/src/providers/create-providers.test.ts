import { describe, expect, it } from 'vitest';
import { createProviders } from './create-providers.ts';

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
});
