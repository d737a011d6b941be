import type { IncomingMessage } from 'node:http';
import OpenAI from 'openai';
import type { Provider, ProviderPart, ProviderRequest } from '../provider.ts';
import type { ProviderIdentity } from '../provider-error.ts';
import { createFetchOverHttp } from './fetch-over-http.ts';
import { fromOpenAiStream } from './from-stream.ts';
import { readEvents } from './read-events.ts';
import { fromOpenAiError } from './to-app-error.ts';
import { toOpenAiRequest } from './to-request.ts';

/** Above any agent's own timeouts, which the worker keeps: the client's shall never be the first. */
const clientTimeoutMs = 24 * 3_600_000;

/** OpenAI's chat completions, or any server that speaks them. */
export function createOpenAiProvider({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): Provider {
  const client = new OpenAI({
    apiKey,
    baseURL: baseUrl,
    maxRetries: 0,
    timeout: clientTimeoutMs,
    logLevel: 'off',
    fetch: createFetchOverHttp(),
  });
  const identity: ProviderIdentity = { title: 'OpenAI', keyVariable: 'OPENAI_API_KEY', baseUrl };

  async function* stream(request: ProviderRequest, signal: AbortSignal): AsyncIterable<ProviderPart> {
    try {
      const response = await client.chat.completions.create(toOpenAiRequest(request), { signal }).asResponse();
      const body = response.body as unknown as IncomingMessage;
      const onAbort = () => body.destroy();
      signal.addEventListener('abort', onAbort);
      body.once('close', () => signal.removeEventListener('abort', onAbort));
      yield* fromOpenAiStream(readEvents(body));
    } catch (error) {
      signal.throwIfAborted();
      throw fromOpenAiError(identity, error);
    }
  }
  return { stream };
}
