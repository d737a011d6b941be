import { countTokens as countWithTokenizer } from 'gpt-tokenizer/encoding/cl100k_base';

/**
 * The tokenizer's time grows with the square of a word's length: one very long word would block the event loop for a minute. Longer
 * runs are counted in slices of this many characters.
 */
const maxRun = 100;
const longRuns = new RegExp(`\\S{${maxRun + 1},}|\\s{${maxRun + 1},}`, 'g');

/**
 * Counts tokens by the cl100k_base encoding: exact for GPT-4 and GPT-3.5, except in very long words; an estimate for every other
 * model. Special tokens such as <|endoftext|> are counted as plain text.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  let counted = 0;
  for (const { 0: run, index } of text.matchAll(longRuns)) {
    tokens += count(text.slice(counted, index));
    for (let start = 0; start < run.length; start += maxRun) tokens += count(run.slice(start, start + maxRun));
    counted = index + run.length;
  }
  return tokens + count(text.slice(counted));
}

function count(text: string): number {
  return text === '' ? 0 : countWithTokenizer(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
}
