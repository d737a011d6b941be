import type { ChatRequest } from 'ollama';
import type { ProviderRequest } from '../provider.ts';

/** The room for an answer whose agent sets it no limit. */
const usualAnswerTokens = 2_048;

/**
 * Ollama cuts what does not fit its context, which is small unless it is told, and says nothing of it. The same size for each call of an
 * agent: another one makes it load the model anew.
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

/** A base URL may have a path before the API, and may end with the API's own. */
export function toOllamaUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/api$/, '')}/api/chat`;
  return url;
}
