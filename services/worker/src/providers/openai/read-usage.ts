import type { ProviderFinish } from '../provider.ts';
import { type Fields, isObject } from '../wire/read-fields.ts';
import { toUsage } from '../wire/to-usage.ts';

/** The usage of an answer; null if its counts cannot be right. An answer with text has at least one output token. */
export function readUsage(usage: unknown, hasText: boolean): Pick<ProviderFinish, 'usage' | 'textTokens'> {
  if (!isObject(usage)) return { usage: null };
  const input = detailsOf(usage.prompt_tokens_details);
  const output = detailsOf(usage.completion_tokens_details);
  const counted = toUsage({
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    cached: input.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens, // DeepSeek, Moonshot
    reasoning: output.reasoning_tokens,
    total: usage.total_tokens,
  });
  return counted === null || (hasText && counted.textTokens === 0 && counted.usage.outputTokens === 0)
    ? { usage: null }
    : counted;
}

function detailsOf(details: unknown): Fields {
  return isObject(details) ? details : {};
}
