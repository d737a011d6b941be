import { countTokens as countWithTokenizer } from 'gpt-tokenizer/encoding/cl100k_base';

/**
 * Tokens of a text by the cl100k_base encoding: exact for GPT-4 and GPT-3.5, an estimate for every other model.
 * Special-token texts such as <|endoftext|> are counted as the plain text they are.
 */
export function countTokens(text: string): number {
  return countWithTokenizer(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
}
