import { AppError } from '@nexus/common/errors/app-error';
import { Ollama } from 'ollama/browser';
import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import type { ProviderIdentity } from '../provider-error.ts';
import { checkedLines } from './checked-lines.ts';
import { fromOllamaStream } from './from-stream.ts';
import { fromOllamaError, fromOllamaResponse } from './to-app-error.ts';
import { toOllamaRequest } from './to-request.ts';

/** A local or remote Ollama. Imported as `ollama/browser`: the main entry replaces the global fetch by a polyfill. */
export function createOllamaProvider({ baseUrl }: { baseUrl: string }): Provider {
  const identity: ProviderIdentity = { title: 'Ollama', keyVariable: null, baseUrl };

  async function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    let hasAnswered = false;
    const call = new AbortController();
    const fetchOnce: typeof fetch = async (url, init) => {
      const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, call.signal]) });
      hasAnswered = true;
      if (!response.ok) throw fromOllamaResponse(identity, request.model, response.status, await readError(response));
      if (!response.body) throw new AppError('provider_protocol_error', 'Ollama answered without a body');
      return new Response(checkedLines(response.body), { status: response.status, headers: response.headers });
    };
    try {
      // One client a call: it keeps a list of its calls and forgets only those that ended well.
      const responses = await new Ollama({ host: baseUrl, fetch: fetchOnce }).chat(toOllamaRequest(request));
      return await fromOllamaStream(responses, onPart);
    } catch (error) {
      signal.throwIfAborted();
      throw fromOllamaError(identity, error, hasAnswered);
    } finally {
      call.abort();
    }
  }
  return { stream };
}

async function readError(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : text;
  } catch {
    return text;
  }
}
