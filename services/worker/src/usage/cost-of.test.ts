import { describe, expect, it } from 'vitest';
import { costOf } from './cost-of.ts';
import { priceTableVersion } from './price-table.ts';

const usage = { inputTokens: 1_000, outputTokens: 500, cachedTokens: 400, source: 'provider' as const };

describe('costOf', () => {
  it('reckons input, cached input and output at their prices, in micro-USD', () => {
    // gpt-4o: 2.5, 1.25 and 10 USD per million: 600 × 2.5 + 400 × 1.25 + 500 × 10
    expect(costOf('openai', 'gpt-4o', usage)).toEqual({ costMicroUsd: 7_000n, priceTableVersion });
  });

  it.each([
    ['gpt-4', 'gpt-4-0613'],
    ['gpt-4o', 'gpt-4o-2024-08-06'],
    ['gpt-4-turbo', 'gpt-4-turbo-preview'],
    ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125'],
  ])('takes %s for %s', (family, dated) => {
    expect(costOf('openai', dated, usage)).toEqual(costOf('openai', family, usage));
  });

  it('has no cost rather than a wrong one for a model it does not know', () => {
    expect(costOf('openai', 'gpt-4omega', usage)).toBeNull();
    expect(costOf('openai', 'my-own-model', usage)).toBeNull();
  });

  it('costs nothing where nothing is charged', () => {
    expect(costOf('ollama', 'llama3', usage)?.costMicroUsd).toBe(0n);
    expect(costOf('echo', 'echo', usage)?.costMicroUsd).toBe(0n);
  });
});
