/** The providers there are, each with a queue of its own, and the variable that holds its key (null: it needs none). */
export const providerCredentials = {
  echo: null,
  ollama: null,
  openai: 'OPENAI_API_KEY',
  gemini: 'GEMINI_API_KEY',
} as const satisfies Record<string, string | null>;

export type ProviderName = keyof typeof providerCredentials;

export const providerNames = Object.keys(providerCredentials) as ProviderName[];

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(providerCredentials, name);
}
