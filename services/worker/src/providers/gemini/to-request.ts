import type { GenerateContentRequest } from '@google/generative-ai';
import type { ProviderRequest } from '../provider.ts';

/** Gemini calls the assistant `model`, and takes the system prompt in a field of its own. */
export function toGeminiRequest(request: ProviderRequest): GenerateContentRequest {
  const { systemPrompt, messages, temperature, topP, maxOutputTokens } = request;
  return {
    ...(systemPrompt === '' ? {} : { systemInstruction: { role: 'system', parts: [{ text: systemPrompt }] } }),
    contents: messages.map(({ role, content }) => ({
      role: role === 'assistant' ? 'model' : 'user',
      parts: [{ text: content }],
    })),
    generationConfig: {
      ...(temperature === null ? {} : { temperature }),
      ...(topP === null ? {} : { topP }),
      ...(maxOutputTokens === null ? {} : { maxOutputTokens }),
    },
  };
}

/** The base URL may have a path, and may end with the API's version. The model may begin with its collection: `tunedModels/mine`. */
export function toGeminiUrl(baseUrl: string, model: string): URL {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  const versioned = /\/v\d+\w*$/.test(path) ? path : `${path}/v1beta`;
  const name = model.includes('/') ? model : `models/${model}`;
  url.pathname = `${versioned}/${name.split('/').map(encodeURIComponent).join('/')}:streamGenerateContent`;
  url.searchParams.set('alt', 'sse');
  return url;
}
