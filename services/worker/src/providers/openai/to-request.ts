import type { ChatCompletionCreateParams } from 'openai/resources/chat/completions';
import type { ProviderRequest } from '../provider.ts';
import type { Parameter, Refused } from './dialects.ts';

/** Reasoning models take `max_completion_tokens` and refuse sampling parameters. Gateways put a prefix before OpenAI's model name. */
const reasoningModel =
  /^(?:(?:[\w-]+\/)*(?:openai|azure\w*)\/)?(?:ft:)?(?:o[1-9]\d?|gpt-5(?!-chat)(?:\.\d+)?)(?=[-:@]|$)/;

/** Leaves out the parameters in `refused`. If the server refuses one name of the answer's limit, the request uses the other name. */
export function toOpenAiRequest(request: ProviderRequest, refused: Refused): ChatCompletionCreateParams {
  const { model, systemPrompt, messages, temperature, topP, maxOutputTokens } = request;
  const reasons = reasoningModel.test(model);
  const takes = (parameter: Parameter) => !refused.has(parameter);
  return {
    model,
    messages: [...(systemPrompt === '' ? [] : [{ role: 'system' as const, content: systemPrompt }]), ...messages],
    ...(takes('stream') ? { stream: true } : {}),
    ...(takes('stream') && takes('stream_options') ? { stream_options: { include_usage: true } } : {}),
    ...(temperature !== null && !reasons && takes('temperature') ? { temperature } : {}),
    ...(topP !== null && !reasons && takes('top_p') ? { top_p: topP } : {}),
    ...(maxOutputTokens === null ? {} : { [limitName(reasons, refused)]: maxOutputTokens }),
  };
}

function limitName(reasons: boolean, refused: Refused): Parameter {
  const [usual, other] = reasons
    ? (['max_completion_tokens', 'max_tokens'] as const)
    : (['max_tokens', 'max_completion_tokens'] as const);
  return refused.has(usual) ? other : usual;
}
