import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import { callProvider } from '../wire/call-provider.ts';
import { createPost, type Post } from '../wire/post.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { readEvents } from '../wire/read-events.ts';
import { createGeminiAnswer } from './from-stream.ts';
import { toGeminiRequest, toGeminiUrl } from './to-request.ts';

/** Gemini ends a stream by ending the body. Gateways in front of it may add OpenAI's end mark. */
const endMark = '[DONE]';

/** Google's Gemini API. */
export function createGeminiProvider({
  apiKey,
  baseUrl,
  post = createPost(),
}: {
  apiKey: string;
  baseUrl: string;
  post?: Post;
}): Provider {
  const title = 'Gemini';
  const identity: ProviderIdentity = {
    title,
    keyVariable: 'GEMINI_API_KEY',
    baseUrl,
    baseUrlVariable: 'GEMINI_BASE_URL',
    secrets: [apiKey],
  };

  function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    return callProvider(
      {
        identity,
        post,
        request: {
          url: toGeminiUrl(baseUrl, request.model),
          headers: { accept: 'text/event-stream', 'content-type': 'application/json', 'user-agent': 'agent-nexus' },
          credentials: { 'x-goog-api-key': apiKey },
          body: JSON.stringify(toGeminiRequest(request)),
        },
        async read({ body }) {
          const answer = createGeminiAnswer(identity, onPart);
          const { other } = await readEvents(body, { title, onEvent: answer.take, endMark });
          signal.throwIfAborted();
          if (other !== null) answer.takeWhole(other);
          return answer.finish();
        },
      },
      signal,
    );
  }
  return { stream };
}
