import { webUrlProblem } from '../config/url-problem.ts';
import type { ProviderName } from '../queue/provider-name.ts';

type Address = {
  /** null: there is none that would be right for everybody. */
  standard: string | null;
  /** Ends of a URL that each call appends itself. */
  appended: RegExp;
};

/** Where providers are called. null: the provider is built in. */
export const providerAddresses: Record<ProviderName, Address | null> = {
  echo: null,
  openai: { standard: 'https://api.openai.com/v1', appended: /\/(chat\/)?completions\/*$/ },
  gemini: { standard: 'https://generativelanguage.googleapis.com', appended: /\/v1(beta|alpha)?(\/models)?\/*$/ },
  ollama: { standard: null, appended: /\/api\/(chat|generate|tags)\/*$/ },
};

/** What was expected where a provider cannot be called at this base URL, or null. */
export function baseUrlProblem(provider: ProviderName, text: string): string | null {
  const address = providerAddresses[provider];
  if (!address) return `expected none: ${provider} is built in`;
  return (
    webUrlProblem(text) ??
    (address.appended.test(text) ? 'expected the base URL alone: the path of each call is appended' : null)
  );
}

/** Without the slashes at its end: the path of each call is appended. */
export function trimBaseUrl(url: string): string {
  return url.replace(/\/+$/, '');
}
