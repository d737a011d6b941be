import type { ProviderName } from '../queue/provider-name.ts';

/** A provider's address and keys as a call needs them: decrypted, so never to be logged or shown. */
export type Connection = {
  id: string;
  workspaceId: string;
  provider: ProviderName;
  /** null: the provider is built in. */
  baseUrl: string | null;
  headers: Record<string, string>;
  /** In the order in which they are tried. */
  keys: { id: string; lastFour: string; key: string }[];
  /** null: no limit. */
  concurrency: number | null;
  ratePerMinute: number | null;
};
