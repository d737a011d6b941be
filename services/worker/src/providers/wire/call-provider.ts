import type { Readable } from 'node:stream';
import { toAppError } from '@nexus/common/errors/app-error';
import type { Post, PostRequest, Reply } from './post.ts';
import type { ProviderIdentity } from './provider-identity.ts';
import type { Failure } from './read-failure.ts';
import { readReplyFailure } from './read-reply-failure.ts';
import { redirected, toProviderError, unreachable } from './to-provider-error.ts';

export type ProviderCall<Answer> = {
  identity: ProviderIdentity;
  post: Post;
  request: PostRequest;
  /** Reads an answer with a good status. Afterwards its body is closed, if it has not ended. */
  read(reply: Reply): Promise<Answer>;
  /** Returns another request to send after the provider refused the first one; null: the call fails. */
  rephrase?(failure: Failure): PostRequest | null;
};

/** Makes one call of a provider. Rejects with an AppError: with the signal's reason if the signal is aborted. */
export async function callProvider<Answer>(call: ProviderCall<Answer>, signal: AbortSignal): Promise<Answer> {
  let body: Readable | undefined;
  try {
    signal.throwIfAborted();
    const reply = await postUntilTaken(call, signal);
    body = reply.body;
    const answer = await call.read(reply);
    signal.throwIfAborted();
    return answer;
  } catch (error) {
    body?.on('error', () => {}).destroy();
    signal.throwIfAborted();
    throw toAppError(error);
  }
}

async function postUntilTaken<Answer>(call: ProviderCall<Answer>, signal: AbortSignal): Promise<Reply> {
  const { identity, post, rephrase } = call;
  for (let request = call.request; ; ) {
    const reply = await post(request, signal).catch((cause) => {
      throw unreachable(identity, cause);
    });
    const { status, headers } = reply;
    if (status >= 200 && status <= 299) return reply;
    const failure = await readReplyFailure(reply);
    if (status < 400) throw redirected(identity, status, headers.location);
    const next = rephrase?.(failure) ?? null;
    if (next === null) throw toProviderError(identity, failure, reply.url);
    request = next;
    signal.throwIfAborted();
  }
}
