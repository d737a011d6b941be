import { z } from 'zod';
import type { ProviderName } from '../queue/provider-name.ts';

/** How a provider is asked for its models: a call that costs nothing, and needs the same address and key as an answer. */
export type ModelListing = {
  /** Appended to the base URL. */
  path: string;
  /** The header that carries a key. */
  toKeyHeader(key: string): Record<string, string>;
  /** The models' names as an agent's `model` takes them. Throws where the answer is not one of this provider. */
  readModels(answer: unknown): string[];
};

const openAiAnswer = z.object({ data: z.array(z.object({ id: z.string() })) });
const geminiAnswer = z.object({ models: z.array(z.object({ name: z.string() })).default([]) });
const ollamaAnswer = z.object({ models: z.array(z.object({ name: z.string() })) });

/** null: the provider is built in, and its one model has its name. */
export const modelListings: Record<ProviderName, ModelListing | null> = {
  echo: null,
  openai: {
    path: '/models',
    toKeyHeader: (key) => ({ authorization: `Bearer ${key}` }),
    readModels: (answer) => openAiAnswer.parse(answer).data.map(({ id }) => id),
  },
  gemini: {
    path: '/v1beta/models?pageSize=1000',
    toKeyHeader: (key) => ({ 'x-goog-api-key': key }),
    readModels: (answer) => geminiAnswer.parse(answer).models.map(({ name }) => name.replace(/^models\//, '')),
  },
  ollama: {
    path: '/api/tags',
    // Ollama itself asks for no key; the proxies that people put before it do.
    toKeyHeader: (key) => ({ authorization: `Bearer ${key}` }),
    readModels: (answer) => ollamaAnswer.parse(answer).models.map(({ name }) => name),
  },
};
