import type { Provider } from '../provider.ts';

/** Counts as a provider might send them; left out where they are undefined. */
export type WireCounts = { input?: unknown; output?: unknown; cached?: unknown };

/** The parts of a provider's protocol that the shared tests need. */
export type WireProtocol = {
  name: string;
  create: (baseUrl: string) => Provider;
  /** The variable that holds the provider's base URL. */
  baseUrlVariable: string;
  /** The header that holds the key of `create`; null: the provider has no key. */
  key: { header: string; value: string } | null;
  /** A whole answer of the text "Grüße, 🦙 world\n" with 21 + 9 tokens. */
  fixture: URL;
  contentType: string;
  /** One delta of this text, as a line or event with its end. */
  delta: (text: string) => string;
  /** The line or event with the finish reason, and with the counts if they are given. Without the protocol's end mark. */
  finish: (reason: string, counts?: WireCounts) => string;
  /** The end mark that makes an answer complete; empty if `finish` is the end mark. */
  endMark: string;
  /** The provider's own words for the reasons. */
  reasons: { stop: string; length: string[]; failure: string[] };
  /** An error inside a stream that began with 200. */
  errorInStream: string;
  /** Lines or events of which one field, named as in messages, is of a wrong type. They contain the word "secret". */
  wrongTypes: [field: string, piece: string][];
};

/** The end of a complete answer after its last delta, without usage. */
export function endOf({ finish, reasons, endMark }: WireProtocol): string {
  return finish(reasons.stop) + endMark;
}
