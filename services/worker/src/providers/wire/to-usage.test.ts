import { describe, expect, it } from 'vitest';
import { toUsage } from './to-usage.ts';

describe('toUsage', () => {
  it('takes counts as they are', () => {
    expect(toUsage({ input: 21, output: 9, cached: 16, reasoning: 4, total: 30 })).toEqual({
      usage: { inputTokens: 21, outputTokens: 9, cachedTokens: 16, reasoningTokens: 4, source: 'provider' },
      textTokens: 5,
    });
  });

  it('needs no more than input and output', () => {
    expect(toUsage({ input: 21, output: 9 })?.usage).toMatchObject({
      inputTokens: 21,
      outputTokens: 9,
      cachedTokens: 0,
    });
  });

  it.each([
    ['beside the output, as xAI does', { input: 10, output: 6, reasoning: 89, total: 105 }, 95, 6],
    ['within the output', { input: 10, output: 95, reasoning: 89, total: 105 }, 95, 6],
    ['only in the total, as Gemini does for OpenAI clients', { input: 10, output: 6, total: 105 }, 95, 6],
    ['beside the output, without a total', { input: 10, output: 6, reasoning: 89 }, 95, 6],
    ['within the output, without a total', { input: 10, output: 95, reasoning: 89 }, 95, 6],
  ])('counts reasoning %s', (_where, counts, outputTokens, textTokens) => {
    expect(toUsage(counts)).toMatchObject({ usage: { inputTokens: 10, outputTokens }, textTokens });
  });

  it.each([
    ['more cached than read', { input: 10, output: 5, cached: 11 }],
    ['a total that is less than its parts', { input: 10, output: 5, total: 14 }],
    ['cached tokens that are text', { input: 10, output: 5, cached: '3' }],
    ['a negative reasoning count', { input: 10, output: 5, reasoning: -3 }],
    ['a total that is not a number', { input: 10, output: 5, total: Number.NaN }],
    ['no input', { input: 0, output: 0, total: 0 }],
  ])('is null if there is %s', (_what, counts) => {
    expect(toUsage(counts)).toBeNull();
  });
});
