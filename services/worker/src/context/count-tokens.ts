import { countTokens as countWithTokenizer } from 'gpt-tokenizer/encoding/cl100k_base';

/**
 * The tokenizer takes words apart one by one, each in time that grows with the square of its length: an endless one would hold
 * up everything else in the process for a minute. Longer runs are counted in slices of this many characters.
 */
const longestRun = 100;
const longRuns = new RegExp(`\\S{${longestRun + 1},}|\\s{${longestRun + 1},}`, 'g');

/**
 * Tokens of a text by the cl100k_base encoding: for GPT-4 and GPT-3.5 exact but for runs without a space, an estimate for every
 * other model. Special-token texts such as <|endoftext|> are counted as the plain text they are.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  let counted = 0;
  for (const { 0: run, index } of text.matchAll(longRuns)) {
    tokens += count(text.slice(counted, index));
    for (let start = 0; start < run.length; start += longestRun) tokens += count(run.slice(start, start + longestRun));
    counted = index + run.length;
  }
  return tokens + count(text.slice(counted));
}

function count(text: string): number {
  return text === '' ? 0 : countWithTokenizer(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
}
