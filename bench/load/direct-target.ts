import OpenAI from 'openai';
import { beginAnswer } from './answer.ts';
import type { Target } from './target.ts';

/** The `openai` client straight to the provider: nothing of ours, and nobody else watching. */
export function createDirectTarget({ providerUrl }: { providerUrl: string }): Target {
  const openai = new OpenAI({ apiKey: 'none', baseURL: providerUrl, maxRetries: 0 });

  async function ask(model: string) {
    const begun = beginAnswer();
    try {
      const messages = [{ role: 'user' as const, content: 'How are you?' }];
      const stream = await openai.chat.completions.create({ model, messages, stream: true });
      begun.accepted();
      for await (const chunk of stream) begun.text(chunk.choices[0]?.delta.content ?? '');
      begun.ended();
    } catch (error) {
      begun.failed(error);
    }
    return begun.done;
  }
  return {
    async open(model, clients, asksPerClient) {
      const row = Array.from({ length: asksPerClient }, () => () => ask(model));
      return { asks: Array.from({ length: clients }, () => row), close() {} };
    },
  };
}
