import type { ProviderPart, ProviderRequest } from '../provider.ts';

export const hello: ProviderRequest = {
  model: 'some-model',
  systemPrompt: '',
  messages: [{ role: 'user', content: 'hello' }],
  temperature: null,
  topP: null,
  maxOutputTokens: null,
};

export type Collected = { text: string; reasoning: string; finish: Extract<ProviderPart, { type: 'finish' }> | null };

/** The parts of an answer put together. Throws what the iteration throws. */
export async function collect(parts: AsyncIterable<ProviderPart>): Promise<Collected> {
  const collected: Collected = { text: '', reasoning: '', finish: null };
  for await (const part of parts) {
    if (part.type === 'text-delta') collected.text += part.text;
    else if (part.type === 'reasoning-delta') collected.reasoning += part.text;
    else collected.finish = part;
  }
  return collected;
}

/** What the iteration throws; fails when it throws nothing. */
export async function failureOf(parts: AsyncIterable<ProviderPart>): Promise<unknown> {
  try {
    await collect(parts);
  } catch (error) {
    return error;
  }
  throw new Error('the answer was complete');
}
