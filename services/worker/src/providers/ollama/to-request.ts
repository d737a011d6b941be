import type { ChatRequest } from 'ollama';
import type { ProviderRequest } from '../provider.ts';

export function toOllamaRequest(request: ProviderRequest): ChatRequest & { stream: true } {
  const { model, systemPrompt, messages, temperature, topP, maxOutputTokens } = request;
  return {
    model,
    messages: [...(systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }]), ...messages],
    stream: true,
    options: {
      ...(temperature === null ? {} : { temperature }),
      ...(topP === null ? {} : { top_p: topP }),
      ...(maxOutputTokens === null ? {} : { num_predict: maxOutputTokens }),
    },
  };
}
