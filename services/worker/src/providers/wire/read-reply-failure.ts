import type { Readable } from 'node:stream';
import { parseJson } from './parse-json.ts';
import type { Reply } from './post.ts';
import { type Failure, readFailure } from './read-failure.ts';
import { readRetryAfter } from './read-retry-after.ts';

/** How much of an error's body is read, in bytes. */
const maxBody = 65_536;
/** How long an error's body may take: its head already says that the call failed. */
const maxBodyMs = 5_000;

/** Reads the failure from the status and the body of an answer. The body may be incomplete. */
export async function readReplyFailure({ status, headers, body }: Reply): Promise<Failure> {
  const text = await readBounded(body);
  const failure = readFailure(parseJson(text) ?? text, status);
  return { ...failure, retryAfterMs: readRetryAfter(headers) ?? failure.retryAfterMs };
}

async function readBounded(body: Readable): Promise<string> {
  const timer = setTimeout(() => body.destroy(), maxBodyMs);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maxBody) break; // leaving the loop closes the body
    }
  } catch {
    // The body broke off. The status is enough.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).subarray(0, maxBody).toString('utf8');
}
