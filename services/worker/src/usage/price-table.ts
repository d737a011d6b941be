import type { ProviderName } from '@nexus/common/queue/provider-name';

/** Micro-USD per million tokens, which is USD per million tokens times a million. */
export type Price = {
  input: number;
  cachedInput: number;
  output: number;
  /** The price holds up to this many input tokens. The table does not have the price above it. */
  upToInputTokens?: number;
};

const usd = (input: number, output: number, cachedInput = input): Price => ({
  input: input * 1e6,
  cachedInput: cachedInput * 1e6,
  output: output * 1e6,
});

/** Change it together with any price: a usage record names the table that its cost comes from. */
export const priceTableVersion = '2025-10.2';

/**
 * List prices by the model's name, with or without a date or version after it, standard tier, from openai.com/api/pricing and
 * ai.google.dev/pricing. A model that is not listed has no cost: that is better than a wrong one. Local
 * providers cost nothing.
 */
export const priceTable: Record<ProviderName, Record<string, Price>> = {
  echo: { '': usd(0, 0) },
  ollama: { '': usd(0, 0) },
  openai: {
    'gpt-3.5-turbo': usd(0.5, 1.5),
    'gpt-3.5-turbo-0301': usd(1.5, 2),
    'gpt-3.5-turbo-0613': usd(1.5, 2),
    'gpt-3.5-turbo-1106': usd(1, 2),
    'gpt-3.5-turbo-16k': usd(3, 4),
    'gpt-4': usd(30, 60),
    'gpt-4-0125-preview': usd(10, 30),
    'gpt-4-1106-preview': usd(10, 30),
    'gpt-4-32k': usd(60, 120),
    'gpt-4-turbo': usd(10, 30),
    'gpt-4o': usd(2.5, 10, 1.25),
    'gpt-4o-2024-05-13': usd(5, 15),
    'gpt-4o-mini': usd(0.15, 0.6, 0.075),
    'gpt-4.1': usd(2, 8, 0.5),
    'gpt-4.1-mini': usd(0.4, 1.6, 0.1),
    'gpt-4.1-nano': usd(0.1, 0.4, 0.025),
    'gpt-5': usd(1.25, 10, 0.125),
    'gpt-5-mini': usd(0.25, 2, 0.025),
    'gpt-5-nano': usd(0.05, 0.4, 0.005),
    o1: usd(15, 60, 7.5),
    o3: usd(2, 8, 0.5),
    'o3-mini': usd(1.1, 4.4, 0.55),
    'o4-mini': usd(1.1, 4.4, 0.275),
  },
  gemini: {
    'gemini-pro': usd(0.5, 1.5),
    'gemini-1.0-pro': usd(0.5, 1.5),
    'gemini-1.5-pro': { ...usd(1.25, 5, 0.3125), upToInputTokens: 128_000 },
    'gemini-1.5-flash': { ...usd(0.075, 0.3, 0.01875), upToInputTokens: 128_000 },
    'gemini-2.0-flash': usd(0.1, 0.4, 0.025),
    'gemini-2.5-pro': { ...usd(1.25, 10, 0.125), upToInputTokens: 200_000 },
    'gemini-2.5-flash': usd(0.3, 2.5, 0.03),
    'gemini-2.5-flash-lite': usd(0.1, 0.4, 0.01),
  },
};
