import type { Usage } from '@nexus/protocol/event';

/** Counts as a provider sent them, whatever they are. */
export type RawCounts = {
  input: unknown;
  output: unknown;
  /** Those of the input that were read from a cache. */
  cached?: unknown;
  /** Those that were thought. Some providers count them within `output`, some beside it. */
  reasoning?: unknown;
  /** With it we know which. */
  total?: unknown;
};

/** `textTokens` is how many of the output tokens were shown as text. */
export type Counted = { usage: Usage; textTokens: number };

/** More than any model reads or writes in one call, and well within what the database holds. */
const maxTokens = 1_000_000_000;

/**
 * Usage of counts that can be trusted, else null, so that the worker estimates: one that is missing, negative, no whole number, or that
 * contradicts another. A request always has input, so that none is none.
 */
export function toUsage({ input, output, cached, reasoning, total }: RawCounts): Counted | null {
  if (!isCount(input) || input === 0 || !isCount(output)) return null;
  if (![cached, reasoning, total].every((count) => isMissing(count) || isCount(count))) return null;
  const cachedTokens = (cached ?? 0) as number;
  if (cachedTokens > input) return null;
  const thought = (reasoning ?? 0) as number;
  const outside = countOutside(input, output, thought, (total ?? null) as number | null);
  if (outside === null) return null;
  const usage: Usage = { inputTokens: input, outputTokens: output + outside, cachedTokens, source: 'provider' };
  return { usage, textTokens: outside > 0 ? output : Math.max(0, output - thought) };
}

/**
 * The output tokens that `output` leaves out, which are billed as the others are: what xAI's models and, by its OpenAI interface, Gemini's
 * think stands in the total alone. null where the total is less than its parts.
 */
function countOutside(input: number, output: number, thought: number, total: number | null): number | null {
  if (total === null || total === 0) return thought > output ? thought : 0;
  const outside = total - input - output;
  return outside < 0 ? null : outside;
}

function isMissing(count: unknown): boolean {
  return count === undefined || count === null;
}

function isCount(count: unknown): count is number {
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= maxTokens;
}
