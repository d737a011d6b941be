import { setTimeout as sleep } from 'node:timers/promises';
import type { Provider, ProviderPart, ProviderRequest } from '../provider.ts';

/** Answers word by word what it was told, at a settable pace. Needs no key: for the quick start, for tests and for load. */
export function createEchoProvider({ delayMs }: { delayMs: number }): Provider {
  return { stream: (request, signal) => echo(request, delayMs, signal) };
}

async function* echo({ messages }: ProviderRequest, delayMs: number, signal: AbortSignal): AsyncIterable<ProviderPart> {
  for (const word of toAnswer(messages.at(-1)?.content ?? '').match(/\s*\S+\s*$|\s*\S+/g) ?? []) {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
    yield { type: 'text-delta', text: word };
  }
  yield { type: 'finish', reason: 'stop', rawReason: 'stop', usage: null };
}

function toAnswer(said: string): string {
  return `You said: ${said}`;
}
