import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import { callProvider } from '../wire/call-provider.ts';
import { createPost, type Post } from '../wire/post.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { readJsonLines } from '../wire/read-json-lines.ts';
import { createOllamaAnswer } from './from-stream.ts';
import { toOllamaRequest, toOllamaUrl } from './to-request.ts';

/** A local or remote Ollama. */
export function createOllamaProvider({ baseUrl, post = createPost() }: { baseUrl: string; post?: Post }): Provider {
  const title = 'Ollama';
  const url = toOllamaUrl(baseUrl);

  function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    const identity: ProviderIdentity = {
      title,
      keyVariable: null,
      baseUrl,
      baseUrlVariable: 'OLLAMA_BASE_URL',
      secrets: [],
      advice: { provider_model_not_found: `Run: ollama pull ${request.model}` },
    };
    return callProvider(
      {
        identity,
        post,
        request: {
          url,
          headers: {
            accept: 'application/x-ndjson',
            'content-type': 'application/json',
            'user-agent': 'agent-nexus',
          },
          credentials: {},
          body: JSON.stringify(toOllamaRequest(request)),
        },
        async read({ body }) {
          const answer = createOllamaAnswer(identity, onPart);
          await readJsonLines(body, title, answer.take);
          return answer.finish();
        },
      },
      signal,
    );
  }
  return { stream };
}
