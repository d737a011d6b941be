import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { ProviderRequest } from '../provider.ts';

/** Models that reason: they take `max_completion_tokens` and refuse sampling parameters. */
const reasoningModel = /^(o\d|gpt-5)/;

export function toOpenAiRequest(request: ProviderRequest): ChatCompletionCreateParamsStreaming {
  const { model, systemPrompt, messages, temperature, topP, maxOutputTokens } = request;
  const reasons = reasoningModel.test(model);
  return {
    model,
    messages: [...(systemPrompt === '' ? [] : [{ role: 'system' as const, content: systemPrompt }]), ...messages],
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature === null || reasons ? {} : { temperature }),
    ...(topP === null || reasons ? {} : { top_p: topP }),
    ...(maxOutputTokens === null ? {} : { [reasons ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens }),
  };
}
