import type { ProviderFinish } from '../provider.ts';
import { isObject } from '../wire/read-fields.ts';
import { toUsage } from '../wire/to-usage.ts';

/**
 * The usage of an answer; null if its counts cannot be right. Gemini counts reasoning separately from text and bills both. It leaves out a count
 * of 0, so a missing output count is computed from the total. An answer with text has at least one output token.
 */
export function readUsage(usage: unknown, hasText: boolean): Pick<ProviderFinish, 'usage' | 'textTokens'> {
  if (!isObject(usage)) return { usage: null };
  const { promptTokenCount: input, cachedContentTokenCount: cached } = usage;
  const thought = usage.thoughtsTokenCount ?? 0;
  const output = usage.candidatesTokenCount ?? sum(usage.totalTokenCount, minus(input), minus(thought));
  const parts = sum(input, output, thought);
  const counted = toUsage({
    input,
    output,
    cached,
    reasoning: usage.thoughtsTokenCount,
    total: usage.totalTokenCount ?? parts,
  });
  if (counted === null) return { usage: null };
  const isTooLittle = counted.usage.inputTokens + counted.usage.outputTokens < parts;
  return isTooLittle || (hasText && output === 0) ? { usage: null } : { ...counted, textTokens: Number(output) };
}

/** NaN if one of the counts is not a number. */
function sum(...counts: unknown[]): number {
  return counts.reduce<number>((total, count) => total + (typeof count === 'number' ? count : Number.NaN), 0);
}

function minus(count: unknown): number {
  return typeof count === 'number' ? -count : Number.NaN;
}
