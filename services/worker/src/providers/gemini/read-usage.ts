import type { ProviderFinish } from '../provider.ts';
import { isObject } from '../wire/read-fields.ts';
import { toUsage } from '../wire/to-usage.ts';

/**
 * The counts of an answer, null where they cannot be trusted. What a model thinks stands beside what it says, and is billed as it is. A
 * count of nothing is left out, and is then what the total leaves. Text that was said took at least a token.
 */
export function readUsage(usage: unknown, hasText: boolean): Pick<ProviderFinish, 'usage' | 'textTokens'> {
  if (!isObject(usage)) return { usage: null };
  const { promptTokenCount: input, cachedContentTokenCount: cached } = usage;
  const thought = usage.thoughtsTokenCount ?? 0;
  const output = usage.candidatesTokenCount ?? sum(usage.totalTokenCount, minus(input), minus(thought));
  const parts = sum(input, output, thought);
  const counted = toUsage({ input, output, cached, reasoning: thought, total: usage.totalTokenCount ?? parts });
  if (counted === null) return { usage: null };
  const isTooLittle = counted.usage.inputTokens + counted.usage.outputTokens < parts;
  return isTooLittle || (hasText && output === 0) ? { usage: null } : { ...counted, textTokens: Number(output) };
}

/** NaN where one is no number. */
function sum(...counts: unknown[]): number {
  return counts.reduce<number>((total, count) => total + (typeof count === 'number' ? count : Number.NaN), 0);
}

function minus(count: unknown): number {
  return typeof count === 'number' ? -count : Number.NaN;
}
