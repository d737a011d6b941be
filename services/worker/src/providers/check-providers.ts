import type { Logger } from '@nexus/common/logging/create-logger';
import { type ProviderName, providerCredentials } from '@nexus/common/queue/provider-name';
import { type CheckedProvider, checkProvider } from './check-provider.ts';
import { geminiModelList } from './gemini/model-list.ts';
import { ollamaModelList } from './ollama/model-list.ts';
import { openAiModelList } from './openai/model-list.ts';
import type { ProviderConfig } from './provider-config.ts';

/** Long enough for a slow provider, short enough for a person who watches the start. */
const standardLimitMs = 5_000;

/** Ollama's addresses without OLLAMA_BASE_URL, here and in a container. Many run no Ollama, so its absence there is no warning. */
const usualOllama = new Set(['http://127.0.0.1:11434', 'http://host.docker.internal:11434']);

/** Checks these providers at once and logs one line for each that will not answer. Nothing needs to wait for it. */
export async function checkProviders(
  config: ProviderConfig,
  names: Iterable<ProviderName>,
  logger: Pick<Logger, 'warn' | 'info'>,
  signal: AbortSignal,
  limitMs = standardLimitMs,
): Promise<void> {
  await Promise.all(
    Array.from(names, async (name) => {
      const checked = toChecked(name, config);
      const problem = checked && (await checkProvider(checked, limitMs, signal));
      if (!problem) return;
      const isExpected = !problem.isReached && name === 'ollama' && usualOllama.has(config.ollama.baseUrl);
      logger[isExpected ? 'info' : 'warn']({ provider: name }, problem.line);
    }),
  );
}

/** null: the provider needs no check, or has no key. */
function toChecked(name: ProviderName, { openai, gemini, ollama }: ProviderConfig): CheckedProvider | null {
  const variables = { baseUrlVariable: `${name.toUpperCase()}_BASE_URL`, keyVariable: providerCredentials[name] };
  if (name === 'openai' && openai.apiKey !== null)
    return { title: 'OpenAI', ...variables, list: openAiModelList({ ...openai, apiKey: openai.apiKey }) };
  if (name === 'gemini' && gemini.apiKey !== null)
    return { title: 'Gemini', ...variables, list: geminiModelList({ ...gemini, apiKey: gemini.apiKey }) };
  if (name === 'ollama') return { title: 'Ollama', ...variables, list: ollamaModelList(ollama) };
  return null;
}
