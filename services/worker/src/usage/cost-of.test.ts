import { describe, expect, it } from 'vitest';
import { costOf } from './cost-of.ts';
import { priceTableVersion } from './price-table.ts';

const usage = { inputTokens: 1_000, outputTokens: 500, cachedTokens: 400, source: 'provider' as const };

describe('costOf', () => {
  it('adds input, cached input and output at their prices, in micro-USD', () => {
    // gpt-4o: 2.5, 1.25 and 10 USD per million: 600 × 2.5 + 400 × 1.25 + 500 × 10
    expect(costOf('openai', 'gpt-4o', usage)).toEqual({ costMicroUsd: 7_000n, priceTableVersion });
  });

  it.each([
    ['gpt-4', 'gpt-4-0613'],
    ['gpt-4o', 'gpt-4o-2024-08-06'],
    ['gpt-4-turbo', 'gpt-4-turbo-preview'],
    ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125'],
    ['gpt-4-32k', 'gpt-4-32k-0613'],
    ['o1', 'o1-preview-2024-09-12'],
  ])('takes %s for %s', (family, dated) => {
    expect(costOf('openai', family, usage)).not.toBeNull();
    expect(costOf('openai', dated, usage)).toEqual(costOf('openai', family, usage));
  });

  it.each(['gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash-001'])('takes gemini-2.5-flash for %s', (dated) => {
    expect(costOf('gemini', dated, usage)).toEqual(costOf('gemini', 'gemini-2.5-flash', usage));
  });

  it.each([
    ['gpt-4o-2024-05-13', 12_500n],
    ['gpt-4-1106-preview', 25_000n],
    ['gpt-4-0125-preview', 25_000n],
    ['gpt-4-32k', 120_000n],
    ['gpt-3.5-turbo-1106', 2_000n],
    ['gpt-3.5-turbo-16k-0613', 5_000n],
  ])('knows that %s has a price of its own', (model, costMicroUsd) => {
    expect(costOf('openai', model, usage)).toMatchObject({ costMicroUsd });
  });

  it('is null for a model that it does not know', () => {
    expect(costOf('openai', 'gpt-4omega', usage)).toBeNull();
    expect(costOf('openai', 'my-own-model', usage)).toBeNull();
  });

  it.each([
    ['openai', 'gpt-4-128k'],
    ['openai', 'gpt-4-1106-vision-preview'],
    ['openai', 'gpt-4o-mini-2024-07-18-tuned'],
    ['gemini', 'gemini-1.5-flash-8b'],
    ['gemini', 'gemini-2.5-flash-preview-tts'],
    ['gemini', 'gemini-2.0-flash-exp'],
  ])('does not take what %s calls %s for a version of another model', (provider, model) => {
    expect(costOf(provider, model, usage)).toBeNull();
  });

  it('is null for more input than the price is valid for', () => {
    expect(costOf('gemini', 'gemini-2.5-pro', { ...usage, inputTokens: 200_000 })).not.toBeNull();
    expect(costOf('gemini', 'gemini-2.5-pro', { ...usage, inputTokens: 200_001 })).toBeNull();
  });

  it('is 0 for local providers', () => {
    expect(costOf('ollama', 'llama3', usage)?.costMicroUsd).toBe(0n);
    expect(costOf('echo', 'echo', usage)?.costMicroUsd).toBe(0n);
  });
});
