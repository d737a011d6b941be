import type { Turn } from '@nexus/common/invocations/invocation-context';
import type { ContextSource } from '@nexus/common/invocations/status/claim-invocations';
import type { ContextMessage } from '../providers/provider.ts';

/** Roughly what a chat format spends on each message beside its text. */
const tokensPerMessage = 4;

export type Context = { messages: ContextMessage[]; inputTokens: number; contextTokens: number };

/**
 * System prompt, then as many of the newest turns as fit the agent's budget, then the input, which is always kept. A turn (what was
 * said and what was answered) goes in whole or not at all, and nothing older than the first that does not fit.
 * `inputTokens` counts the input alone, `contextTokens` all of it; both are estimates.
 */
export function buildContext(
  { history, input, settings }: ContextSource,
  countTokens: (text: string) => number,
): Context {
  const inputTokens = countTokens(input);
  let contextTokens = inputTokens + tokensPerMessage;
  if (settings.systemPrompt !== '') contextTokens += countTokens(settings.systemPrompt) + tokensPerMessage;

  const kept: ContextMessage[] = [];
  for (const turn of groupTurns(history)) {
    const cost = turn.reduce(
      (sum, message) => sum + (message.tokenCount ?? countTokens(message.content)) + tokensPerMessage,
      0,
    );
    if (contextTokens + cost > settings.contextTokens) break;
    contextTokens += cost;
    for (const { role, content } of turn) kept.unshift({ role, content });
  }
  return { messages: [...kept, { role: 'user', content: input }], inputTokens, contextTokens };
}

/** Newest turn first, and in it the newest message first, as the history comes. */
function groupTurns(history: Turn[]): Turn[][] {
  const turns: Turn[][] = [];
  for (const message of history) {
    const current = turns.at(-1);
    if (current?.[0]?.turn === message.turn) current.push(message);
    else turns.push([message]);
  }
  return turns;
}
