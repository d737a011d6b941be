import type { ProviderFinish } from '../provider.ts';
import type { Fields } from '../wire/read-fields.ts';
import { toUsage } from '../wire/to-usage.ts';

/**
 * The usage of an answer; null if its counts cannot be right. Ollama leaves out the input count if it had the prompt in its cache. An answer with
 * text has at least one output token. Ollama does not count reasoning separately.
 */
export function readUsage(line: Fields, hasText: boolean): Pick<ProviderFinish, 'usage'> {
  const usage = toUsage({ input: line.prompt_eval_count, output: line.eval_count })?.usage ?? null;
  return { usage: hasText && usage?.outputTokens === 0 ? null : usage };
}
