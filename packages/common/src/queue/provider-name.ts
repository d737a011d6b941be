/** All providers, and the variable that holds the key of each (null: it needs none). Each provider has a queue of its own. */
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
