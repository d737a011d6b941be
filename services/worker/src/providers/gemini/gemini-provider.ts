import { GoogleGenerativeAI } from '@google/generative-ai';
import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../provider.ts';
import type { ProviderIdentity } from '../provider-error.ts';
import { fromGeminiStream } from './from-stream.ts';
import { fromGeminiError } from './to-app-error.ts';
import { toGeminiRequest } from './to-request.ts';

/** Google's Gemini API. The client library is used in this folder alone: Google maintains @google/genai in its place now. */
export function createGeminiProvider({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): Provider {
  const client = new GoogleGenerativeAI(apiKey);
  const identity: ProviderIdentity = { title: 'Gemini', keyVariable: 'GEMINI_API_KEY', baseUrl };

  async function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    // The library splits the body in two and reads both: leaving the one that is given out does not close the socket, aborting does.
    const call = new AbortController();
    const abort = () => call.abort();
    signal.throwIfAborted();
    signal.addEventListener('abort', abort);
    try {
      const { model, content } = toGeminiRequest(request);
      const result = await client
        .getGenerativeModel(model, { baseUrl })
        .generateContentStream(content, { signal: call.signal });
      result.response.catch(() => {}); // the other half: it fails as this one does
      return await fromGeminiStream(result.stream, onPart);
    } catch (error) {
      signal.throwIfAborted();
      throw fromGeminiError(identity, error);
    } finally {
      signal.removeEventListener('abort', abort);
      call.abort();
    }
  }
  return { stream };
}
