import type { Usage } from '@nexus/protocol/event';

/** Counts as a provider sent them, whatever they are. */
export type RawCounts = {
  input: unknown;
  output: unknown;
  /** The input tokens that came from a cache. */
  cached?: unknown;
  /** The reasoning tokens. Some providers include them in `output`, some do not. */
  reasoning?: unknown;
  /** Input and output together. It shows whether `output` includes `reasoning`. */
  total?: unknown;
};

/** `textTokens` is how many of the output tokens were shown as text. */
export type Counted = { usage: Usage; textTokens: number };

/** More than any model reads or writes in one call, and small enough for the database's column. */
const maxTokens = 1_000_000_000;

/**
 * Turns counts into usage. null, so that the worker estimates, if a count is missing, negative, not a whole number, or contradicts another one.
 * A request always has input, so an input count of 0 counts as missing.
 */
export function toUsage({ input, output, cached, reasoning, total }: RawCounts): Counted | null {
  if (!isCount(input) || input === 0 || !isCount(output)) return null;
  if (![cached, reasoning, total].every((count) => isMissing(count) || isCount(count))) return null;
  const cachedTokens = (cached ?? 0) as number;
  if (cachedTokens > input) return null;
  const thought = (reasoning ?? 0) as number;
  const outside = countOutside(input, output, thought, (total ?? null) as number | null);
  if (outside === null) return null;
  const usage: Usage = {
    inputTokens: input,
    outputTokens: output + outside,
    cachedTokens,
    ...(isCount(reasoning) ? { reasoningTokens: reasoning } : {}),
    source: 'provider',
  };
  return { usage, textTokens: outside > 0 ? output : Math.max(0, output - thought) };
}

/**
 * The output tokens that `output` leaves out, which are billed like the others: xAI, and Gemini by its OpenAI interface, include reasoning only
 * in the total. null if the total is less than its parts.
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
