import type { ModelList } from '../model-list.ts';

export function geminiModelList({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): ModelList {
  return { url: `${baseUrl}/v1beta/models?pageSize=1`, headers: { 'x-goog-api-key': apiKey } };
}
