import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import { callProvider } from '../wire/call-provider.ts';
import { createPost, type Post } from '../wire/post.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { readEvents } from '../wire/read-events.ts';
import { createDialects } from './dialects.ts';
import { createOpenAiAnswer } from './from-stream.ts';
import { readHead } from './read-head.ts';
import { toOpenAiRequest } from './to-request.ts';

/** OpenAI ends a stream with this event. */
const endMark = '[DONE]';

/**
 * OpenAI's chat completions, or any compatible server. The client library builds the request headers once. To send each request through the
 * library took a third of a worker's time for a short answer.
 */
export function createOpenAiProvider({
  apiKey,
  baseUrl,
  post = createPost(),
}: {
  apiKey: string;
  baseUrl: string;
  post?: Post;
}): Provider {
  const title = 'OpenAI';
  const identity: ProviderIdentity = {
    title,
    keyVariable: 'OPENAI_API_KEY',
    baseUrl,
    baseUrlVariable: 'OPENAI_BASE_URL',
    secrets: [apiKey],
  };
  const dialects = createDialects();
  let head: ReturnType<typeof readHead> | undefined;

  async function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    head ??= readHead(apiKey, baseUrl);
    const { model } = request;
    const begin = await head;
    let refused = dialects.refusedFor(model);
    let sent = toOpenAiRequest(request, refused);
    return callProvider(
      {
        identity,
        post,
        request: { ...begin, body: JSON.stringify(sent) },
        rephrase(failure) {
          const learned = dialects.learn(model, refused, failure, sent);
          if (learned === null) return null;
          refused = learned;
          sent = toOpenAiRequest(request, refused);
          return { ...begin, body: JSON.stringify(sent) };
        },
        async read({ body }) {
          const answer = createOpenAiAnswer(identity, onPart);
          const { isMarked, other } = await readEvents(body, { title, onEvent: answer.take, endMark });
          signal.throwIfAborted();
          if (other !== null) answer.takeWhole(other);
          return answer.finish(isMarked);
        },
      },
      signal,
    );
  }
  return { stream };
}
