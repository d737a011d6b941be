import type { ProviderFinish } from '../provider.ts';
import type { Fields } from '../wire/read-fields.ts';
import { toUsage } from '../wire/to-usage.ts';

/**
 * The counts of an answer, null where they cannot be trusted: Ollama leaves out a count of a prompt that it did not read again. Text that
 * was said took at least a token. Which of them were thought Ollama does not say.
 */
export function readUsage(line: Fields, hasText: boolean): Pick<ProviderFinish, 'usage'> {
  const usage = toUsage({ input: line.prompt_eval_count, output: line.eval_count })?.usage ?? null;
  return { usage: hasText && usage?.outputTokens === 0 ? null : usage };
}
