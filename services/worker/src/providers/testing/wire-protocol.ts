import type { Provider } from '../provider.ts';

/** Counts as a provider might send them; left out where they are undefined. */
export type WireCounts = { input?: unknown; output?: unknown; cached?: unknown };

/** What the tests that all providers share need to know of a provider's protocol. */
export type WireProtocol = {
  name: string;
  create: (baseUrl: string) => Provider;
  /** The variable that names where the provider is. */
  baseUrlVariable: string;
  /** The header that holds the key that `create` gives the provider; null where it has none. */
  key: { header: string; value: string } | null;
  /** A whole answer of the text "Grüße, 🦙 world\n" with 21 + 9 tokens. */
  fixture: URL;
  contentType: string;
  /** One delta of this text, as a line or event with its end. */
  delta: (text: string) => string;
  /** What tells why an answer ended, and how many tokens it took where counts are given. Without the protocol's end mark. */
  finish: (reason: string, counts?: WireCounts) => string;
  /** What follows it to mark the answer as complete; empty where the finish does so itself. */
  endMark: string;
  /** The provider's own words for the reasons. */
  reasons: { stop: string; length: string[]; failure: string[] };
  /** An error inside a stream that began with 200. */
  errorInStream: string;
  /** Lines or events of which one field, named as in messages, is of a wrong type. They contain the word "secret". */
  wrongTypes: [field: string, piece: string][];
};

/** What makes an answer complete, after its last delta, without usage. */
export function endOf({ finish, reasons, endMark }: WireProtocol): string {
  return finish(reasons.stop) + endMark;
}
