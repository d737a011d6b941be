import type { ErrorCode } from '@nexus/protocol/error-codes';

/** What the error messages about a provider need to know of it. */
export type ProviderIdentity = {
  title: string;
  /** The variable that holds its key; null: it needs no key. */
  keyVariable: string | null;
  baseUrl: string;
  /** The variable that holds `baseUrl`. */
  baseUrlVariable: string;
  /** Secrets that we send, which a provider may quote in an error: its key. */
  secrets: string[];
  /** What to do about a failure, if this provider has better advice than the general one. */
  advice?: Partial<Record<ErrorCode, string>>;
};

/** Host and port only: a URL may hold credentials. */
export function hostOf(baseUrl: string): string {
  return new URL(baseUrl).host;
}
