import type { ProviderName } from '@nexus/common/queue/provider-name';
import { type CallTracing, traceProvider } from '../tracing/trace-provider.ts';
import { createEchoProvider } from './echo/echo-provider.ts';
import { createGeminiProvider } from './gemini/gemini-provider.ts';
import { hideKey } from './hide-key.ts';
import { liftFetchLimits } from './lift-fetch-limits.ts';
import { createOllamaProvider } from './ollama/ollama-provider.ts';
import { createOpenAiProvider } from './openai/openai-provider.ts';
import type { Provider } from './provider.ts';
import type { ProviderConfig } from './provider-config.ts';

/** How each provider is made; null where its credentials are missing. */
const makers: Record<ProviderName, (config: ProviderConfig) => Provider | null> = {
  echo: ({ echo }) => createEchoProvider(echo),
  ollama: ({ ollama }) => createOllamaProvider(ollama),
  openai: ({ openai }) => withKey(openai, createOpenAiProvider),
  gemini: ({ gemini }) => withKey(gemini, createGeminiProvider),
};

function withKey(
  { apiKey, baseUrl }: { apiKey: string | null; baseUrl: string },
  create: (access: { apiKey: string; baseUrl: string }) => Provider,
): Provider | null {
  return apiKey === null ? null : hideKey(create({ apiKey, baseUrl }), apiKey);
}

export type Providers = { providers: Map<ProviderName, Provider>; unconfigured: ProviderName[] };

/** The providers of this process, whose `fetch` waits from now on as long as it is let. */
export function createProviders(
  config: ProviderConfig,
  wanted: ProviderName[],
  tracing: CallTracing | null = null,
): Providers {
  liftFetchLimits();
  const providers = new Map<ProviderName, Provider>();
  const unconfigured: ProviderName[] = [];
  for (const name of new Set(wanted)) {
    const provider = makers[name](config);
    if (provider) providers.set(name, tracing ? traceProvider(name, provider, tracing) : provider);
    else unconfigured.push(name);
  }
  return { providers, unconfigured };
}
