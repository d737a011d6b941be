import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import { createDispatcher } from './create-dispatcher.ts';

export type PostRequest = {
  url: URL;
  headers: Record<string, string>;
  /** Headers that another origin must never get: keys, and everything else that identifies us. */
  credentials: Record<string, string>;
  body: string;
};

export type Reply = {
  status: number;
  headers: IncomingHttpHeaders;
  /** Decompressed. The caller reads it to its end or destroys it. */
  body: Readable;
  /** The address that answered, after redirects. */
  url: URL;
};

/** Sends a POST and resolves with the head of the answer. Aborting the signal closes the socket, also while the body is read. */
export type Post = (post: PostRequest, signal: AbortSignal) => Promise<Reply>;

/** No timeouts here, because the agent's timeouts apply. They are set for each request, because the proxy's dispatcher drops its own options. */
const patient = { headersTimeout: 0, bodyTimeout: 0 };
const maxRedirects = 5;
/** How much of a redirect's body is read so that its connection can be used again. */
const maxDumped = 16_384;

/**
 * Follows only 307 and 308, because they keep the method and the body. undici's own interceptor also turns a 301 or 302 into a GET, and no
 * provider answers that.
 */
export function createPost(dispatcher: Dispatcher = createDispatcher()): Post {
  return async ({ url, headers, credentials, body }, signal) => {
    let sent = { ...headers, ...credentials };
    for (let address = url, redirects = 0; ; redirects += 1) {
      const answer = await request(address, { ...patient, method: 'POST', headers: sent, body, dispatcher, signal });
      const next = redirects < maxRedirects ? readRedirect(answer, address) : null;
      if (next === null) return { status: answer.statusCode, headers: answer.headers, body: answer.body, url: address };
      await answer.body.dump({ limit: maxDumped, signal });
      if (next.origin !== address.origin) sent = headers;
      address = next;
    }
  };
}

function readRedirect({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | null {
  if (statusCode !== 307 && statusCode !== 308) return null;
  const next = URL.parse(String(headers.location ?? ''), from.href);
  return next && /^https?:$/.test(next.protocol) && headers.location ? next : null;
}
