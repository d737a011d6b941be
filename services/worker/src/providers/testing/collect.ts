import type { OnPart, ProviderFinish, ProviderRequest } from '../provider.ts';

export const hello: ProviderRequest = {
  model: 'some-model',
  systemPrompt: '',
  messages: [{ role: 'user', content: 'hello' }],
  temperature: null,
  topP: null,
  maxOutputTokens: null,
  contextTokens: 8_192,
};

export type Collected = { text: string; reasoning: string; finish: ProviderFinish };

export type Answer = (onPart: OnPart) => Promise<ProviderFinish>;

/** The parts of an answer put together. Rejects with what the answer rejects with. */
export async function collect(answer: Answer): Promise<Collected> {
  const said = { text: '', reasoning: '' };
  const finish = await answer((part) => {
    said[part.type === 'text-delta' ? 'text' : 'reasoning'] += part.text;
  });
  return { ...said, finish };
}

/** What the answer rejects with; fails when it is complete. */
export async function failureOf(answer: Answer): Promise<unknown> {
  try {
    await collect(answer);
  } catch (error) {
    return error;
  }
  throw new Error('the answer was complete');
}
