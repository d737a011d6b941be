import type { ErrorCode } from '@nexus/protocol/error-codes';

/** How a provider's failures are told to a user. */
export type ProviderIdentity = {
  title: string;
  /** The variable that holds its key; null where it has none. */
  keyVariable: string | null;
  baseUrl: string;
  /** The variable that holds `baseUrl`. */
  baseUrlVariable: string;
  /** What we send and a provider might quote: its key. */
  secrets: string[];
  /** What to do about a failure, where this provider knows more than is said for all. */
  advice?: Partial<Record<ErrorCode, string>>;
};

/** Host and port only: a URL may hold credentials. */
export function hostOf(baseUrl: string): string {
  return new URL(baseUrl).host;
}
