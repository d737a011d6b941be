import type { IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import OpenAI, { APIConnectionError, APIError } from 'openai';
import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import type { ProviderIdentity } from '../provider-error.ts';
import { createOpenAiAnswer } from './from-stream.ts';
import { createPostOverHttp } from './post-over-http.ts';
import { readEvents } from './read-events.ts';
import { fromOpenAiError } from './to-app-error.ts';
import { toOpenAiRequest } from './to-request.ts';

/**
 * OpenAI's chat completions, or any server that speaks them. The client library says once where a request goes and what its head is,
 * and what its errors are; sending each through it took a third of a worker's time for a short answer.
 */
export function createOpenAiProvider({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): Provider {
  const client = new OpenAI({ apiKey, baseURL: baseUrl, logLevel: 'off' });
  const identity: ProviderIdentity = { title: 'OpenAI', keyVariable: 'OPENAI_API_KEY', baseUrl };
  const post = createPostOverHttp();
  let head: ReturnType<typeof readHead> | undefined;

  async function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    try {
      head ??= readHead(client);
      const { url, headers } = await head;
      signal.throwIfAborted();
      const body = JSON.stringify(toOpenAiRequest(request));
      const message = await post(url, headers, body, signal).catch((cause: Error) => {
        throw new APIConnectionError({ cause });
      });
      const onAbort = () => message.destroy();
      signal.addEventListener('abort', onAbort);
      message.once('close', () => signal.removeEventListener('abort', onAbort));
      if (!isGood(message)) throw await toApiError(message);
      const answer = createOpenAiAnswer(onPart);
      const other = await readEvents(message, answer.take);
      signal.throwIfAborted();
      if (other !== null) answer.takeWhole(other);
      return answer.finish();
    } catch (error) {
      signal.throwIfAborted();
      throw fromOpenAiError(identity, error);
    }
  }
  return { stream };
}

async function readHead(client: OpenAI): Promise<{ url: URL; headers: Record<string, string> }> {
  const { req, url } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: {} });
  const { 'content-length': _, ...headers } = Object.fromEntries(new Headers(req.headers));
  return { url: new URL(url), headers };
}

function isGood({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

/** What the client library would throw of this answer. */
async function toApiError(message: IncomingMessage): Promise<APIError> {
  const headers = new Headers(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  const said = await readText(message).catch(() => ''); // cut short: the status says enough
  const parsed = parseJson(said);
  return APIError.generate(message.statusCode, parsed, parsed ? undefined : said, headers);
}

function parseJson(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
