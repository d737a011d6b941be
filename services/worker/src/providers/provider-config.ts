import { checkedText, wholeNumber } from '@nexus/common/config/setting-kinds';
import { webUrlProblem } from '@nexus/common/config/url-problem';

/** The base URL of a provider, without the path that each call appends. */
const baseUrl = (appended: RegExp) =>
  checkedText(
    (text) =>
      webUrlProblem(text) ??
      (appended.test(text) ? 'expected the base URL alone: the path of each call is appended' : null),
  );

/** A key, which goes into a header unchanged. No key has quotes around it: they come from a mistake about the file's syntax. */
const key = () =>
  checkedText((text) => {
    if (!/^[\x20-\x7e]*$/.test(text)) return 'expected printable ASCII characters in one line';
    return /^(["'`]).*\1$/.test(text) ? 'expected a key without quotes around it' : null;
  }).optional();

/** The environment variables of the providers. Without its key only that provider is missing. */
export const providerFields = {
  OPENAI_API_KEY: key(),
  /** OpenAI, or any server with a compatible chat completions API. */
  OPENAI_BASE_URL: baseUrl(/\/(chat\/)?completions\/*$/).default('https://api.openai.com/v1'),
  GEMINI_API_KEY: key(),
  GEMINI_BASE_URL: baseUrl(/\/v1(beta|alpha)?(\/models)?\/*$/).default('https://generativelanguage.googleapis.com'),
  OLLAMA_BASE_URL: baseUrl(/\/api\/(chat|generate|tags)\/*$/).default('http://127.0.0.1:11434'),
  /** Pace of the built-in Echo, in milliseconds per word. */
  ECHO_DELAY_MS: wholeNumber(0, 60_000, 30),
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
