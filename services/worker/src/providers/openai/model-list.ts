import type { ModelList } from '../model-list.ts';

export function openAiModelList({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): ModelList {
  return { url: `${baseUrl}/models`, headers: { authorization: `Bearer ${apiKey}` } };
}
