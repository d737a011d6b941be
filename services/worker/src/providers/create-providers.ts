import type { ProviderName } from '@nexus/common/queue/provider-name';
import { type CallTracing, traceProvider } from '../tracing/trace-provider.ts';
import { createEchoProvider } from './echo/echo-provider.ts';
import { createGeminiProvider } from './gemini/gemini-provider.ts';
import { createOllamaProvider } from './ollama/ollama-provider.ts';
import { createOpenAiProvider } from './openai/openai-provider.ts';
import type { Provider } from './provider.ts';
import type { ProviderConfig } from './provider-config.ts';
import { createPost, type Post } from './wire/post.ts';

/** How to create each provider; null if its credentials are missing. */
const makers: Record<ProviderName, (config: ProviderConfig, post: Post) => Provider | null> = {
  echo: ({ echo }) => createEchoProvider(echo),
  ollama: ({ ollama: { baseUrl } }, post) => createOllamaProvider({ baseUrl, post }),
  openai: ({ openai: { apiKey, baseUrl } }, post) =>
    apiKey === null ? null : createOpenAiProvider({ apiKey, baseUrl, post }),
  gemini: ({ gemini: { apiKey, baseUrl } }, post) =>
    apiKey === null ? null : createGeminiProvider({ apiKey, baseUrl, post }),
};

export type Providers = { providers: Map<ProviderName, Provider>; unconfigured: ProviderName[] };

/** The providers of this process, which share their connections. */
export function createProviders(
  config: ProviderConfig,
  wanted: ProviderName[],
  tracing: CallTracing | null = null,
): Providers {
  const post = createPost();
  const providers = new Map<ProviderName, Provider>();
  const unconfigured: ProviderName[] = [];
  for (const name of new Set(wanted)) {
    const provider = makers[name](config, post);
    if (provider) providers.set(name, tracing ? traceProvider(name, provider, tracing) : provider);
    else unconfigured.push(name);
  }
  return { providers, unconfigured };
}
