import { z } from 'zod';

const baseUrl = () => z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });

/** The environment variables of the providers; a missing key costs only that provider. */
export const providerFields = {
  OPENAI_API_KEY: z.string().optional(),
  /** Any server that speaks OpenAI's chat completions. */
  OPENAI_BASE_URL: baseUrl().default('https://api.openai.com/v1'),
  GEMINI_API_KEY: z.string().optional(),
  GEMINI_BASE_URL: baseUrl().default('https://generativelanguage.googleapis.com'),
  OLLAMA_BASE_URL: baseUrl().default('http://127.0.0.1:11434'),
  /** Pace of the built-in Echo, in milliseconds per word. */
  ECHO_DELAY_MS: z.coerce.number().int().min(0).max(60_000).default(30),
};

type Fields = {
  OPENAI_API_KEY?: string | undefined;
  OPENAI_BASE_URL: string;
  GEMINI_API_KEY?: string | undefined;
  GEMINI_BASE_URL: string;
  OLLAMA_BASE_URL: string;
  ECHO_DELAY_MS: number;
};

export type ProviderConfig = {
  openai: { apiKey: string | null; baseUrl: string };
  gemini: { apiKey: string | null; baseUrl: string };
  ollama: { baseUrl: string };
  echo: { delayMs: number };
};

export function toProviderConfig(fields: Fields): ProviderConfig {
  const trimmed = (url: string) => url.replace(/\/+$/, '');
  return {
    openai: { apiKey: fields.OPENAI_API_KEY ?? null, baseUrl: trimmed(fields.OPENAI_BASE_URL) },
    gemini: { apiKey: fields.GEMINI_API_KEY ?? null, baseUrl: trimmed(fields.GEMINI_BASE_URL) },
    ollama: { baseUrl: trimmed(fields.OLLAMA_BASE_URL) },
    echo: { delayMs: fields.ECHO_DELAY_MS },
  };
}
