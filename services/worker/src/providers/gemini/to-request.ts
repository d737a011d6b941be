import type { GenerateContentRequest, ModelParams } from '@google/generative-ai';
import type { ProviderRequest } from '../provider.ts';

/** Gemini calls the assistant `model`, and takes the system prompt beside the messages. */
export function toGeminiRequest(request: ProviderRequest): { model: ModelParams; content: GenerateContentRequest } {
  const { temperature, topP, maxOutputTokens } = request;
  return {
    model: {
      model: request.model,
      ...(request.systemPrompt === '' ? {} : { systemInstruction: request.systemPrompt }),
      generationConfig: {
        ...(temperature === null ? {} : { temperature }),
        ...(topP === null ? {} : { topP }),
        ...(maxOutputTokens === null ? {} : { maxOutputTokens }),
      },
    },
    content: {
      contents: request.messages.map(({ role, content }) => ({
        role: role === 'assistant' ? 'model' : 'user',
        parts: [{ text: content }],
      })),
    },
  };
}
