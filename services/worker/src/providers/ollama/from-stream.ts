import { AppError } from '@nexus/common/errors/app-error';
import type { ChatResponse } from 'ollama';
import type { FinishReason, OnPart, ProviderFinish } from '../provider.ts';

const finishReasons: Record<string, FinishReason> = { stop: 'stop', length: 'length' };

/** Tells the parts of the responses; the one that says `done` has the counts. Without it the answer was cut. */
export async function fromOllamaStream(
  responses: AsyncIterable<ChatResponse>,
  onPart: OnPart,
): Promise<ProviderFinish> {
  for await (const response of responses) {
    const { content, thinking } = response.message ?? {};
    if (thinking) onPart({ type: 'reasoning-delta', text: thinking });
    if (content) onPart({ type: 'text-delta', text: content });
    if (!response.done) continue;
    const rawReason = response.done_reason ?? 'stop';
    return { reason: finishReasons[rawReason] ?? 'other', rawReason, usage: toUsage(response) };
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
