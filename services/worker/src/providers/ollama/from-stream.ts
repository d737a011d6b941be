import { AppError } from '@nexus/common/app-error';
import type { ChatResponse } from 'ollama';
import type { FinishReason, ProviderPart } from '../provider.ts';

const finishReasons: Record<string, FinishReason> = { stop: 'stop', length: 'length' };

/** Responses to parts; the one that says `done` has the counts. Without it the answer was cut. */
export async function* fromOllamaStream(responses: AsyncIterable<ChatResponse>): AsyncIterable<ProviderPart> {
  for await (const response of responses) {
    const { content, thinking } = response.message ?? {};
    if (thinking) yield { type: 'reasoning-delta', text: thinking };
    if (content) yield { type: 'text-delta', text: content };
    if (!response.done) continue;
    const rawReason = response.done_reason ?? 'stop';
    yield { type: 'finish', reason: finishReasons[rawReason] ?? 'other', rawReason, usage: toUsage(response) };
    return;
  }
  throw new AppError('stream_interrupted', 'Ollama ended its stream without saying that it was done');
}

function toUsage({ prompt_eval_count, eval_count }: ChatResponse) {
  if (eval_count === undefined) return null;
  return {
    inputTokens: prompt_eval_count ?? 0,
    outputTokens: eval_count,
    cachedTokens: 0,
    source: 'provider' as const,
  };
}
