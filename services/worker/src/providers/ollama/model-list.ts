import type { ModelList } from '../model-list.ts';

export function ollamaModelList({ baseUrl }: { baseUrl: string }): ModelList {
  return { url: `${baseUrl}/api/tags`, headers: {} };
}
