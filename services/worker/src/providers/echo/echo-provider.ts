import { setTimeout as sleep } from 'node:timers/promises';
import type { Provider } from '../provider.ts';

/** Repeats the user's message word by word, at a pace that can be set. Needs no key: for the quick start, for tests and for load. */
export function createEchoProvider({ delayMs }: { delayMs: number }): Provider {
  return {
    async stream({ messages }, onPart, signal) {
      for (const word of toAnswer(messages.at(-1)?.content ?? '').match(/\s*\S+\s*$|\s*\S+/g) ?? []) {
        if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => {});
        signal.throwIfAborted();
        onPart({ type: 'text-delta', text: word });
      }
      return { reason: 'stop', rawReason: 'stop', usage: null };
    },
  };
}

function toAnswer(said: string): string {
  return `You said: ${said}`;
}
