import type { ChatRequest } from 'ollama';
import type { ProviderRequest } from '../provider.ts';

/** Tokens reserved for the answer if the agent sets no limit. */
const usualAnswerTokens = 2_048;

/**
 * Ollama cuts the input to its context window without an error, and its default window is small. So each request sets the window. It has the
 * same size for each call of an agent, because Ollama loads the model again when the size changes.
 */
export function toOllamaRequest(request: ProviderRequest): ChatRequest & { stream: true } {
  const { model, systemPrompt, messages, temperature, topP, maxOutputTokens, contextTokens } = request;
  return {
    model,
    messages: [...(systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }]), ...messages],
    stream: true,
    options: {
      num_ctx: contextTokens + (maxOutputTokens ?? usualAnswerTokens),
      ...(temperature === null ? {} : { temperature }),
      ...(topP === null ? {} : { top_p: topP }),
      ...(maxOutputTokens === null ? {} : { num_predict: maxOutputTokens }),
    },
  };
}

/** The base URL may have a path, and may end with the API's own path. */
export function toOllamaUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/api$/, '')}/api/chat`;
  return url;
}
