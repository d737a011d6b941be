import type { ContextSource, Turn } from '@nexus/common/invocations/status/claim-invocations';
import type { ContextMessage } from '../providers/provider.ts';

/** Roughly what a chat format spends on each message beside its text. */
const tokensPerMessage = 4;

/** Between messages that are joined. */
const gap = '\n\n';

export type Context = { systemPrompt: string; messages: ContextMessage[]; inputTokens: number; contextTokens: number };

/**
 * System prompt, then as many of the newest turns as fit the agent's budget, then the input, which is always kept. A turn (what was
 * said and what was answered) goes in whole or not at all, and nothing older than the first that does not fit.
 *
 * Many models refuse a history of any other shape, and with it each later request of its conversation: the messages begin and end with the
 * user's, and the roles alternate. What was not answered is joined with the question after it. A prompt without text is none.
 *
 * `inputTokens` counts the input alone, `contextTokens` all that is sent; both are estimates.
 */
export function buildContext(
  { history, input, settings }: ContextSource,
  countTokens: (text: string) => number,
): Context {
  const systemPrompt = hasText(settings.systemPrompt) ? settings.systemPrompt : '';
  const inputTokens = countTokens(input);
  const gapTokens = countTokens(gap);
  let contextTokens = inputTokens + tokensPerMessage;
  if (systemPrompt !== '') contextTokens += countTokens(systemPrompt) + tokensPerMessage;

  const newestFirst: Pick<Turn, 'role' | 'content'>[] = [{ role: 'user', content: input }];
  for (const turn of groupTurns(history)) {
    let later = newestFirst.at(-1)?.role;
    let cost = 0;
    for (const { role, content, tokenCount } of turn) {
      cost += (tokenCount ?? countTokens(content)) + (role === later ? gapTokens : tokensPerMessage);
      later = role;
    }
    if (contextTokens + cost > settings.contextTokens) break;
    contextTokens += cost;
    newestFirst.push(...turn);
  }
  return { systemPrompt, messages: joinNeighbours(newestFirst.reverse()), inputTokens, contextTokens };
}

/** Newest turn first, and in it the newest message first, as the history comes. Only messages with text, and no answer without its question. */
function groupTurns(history: Turn[]): Turn[][] {
  const turns: Turn[][] = [];
  for (const message of history) {
    if (!hasText(message.content)) continue;
    const current = turns.at(-1);
    if (current?.[0]?.turn === message.turn) current.push(message);
    else turns.push([message]);
  }
  return turns.filter((turn) => turn.at(-1)?.role === 'user');
}

function joinNeighbours(messages: ContextMessage[]): ContextMessage[] {
  const joined: ContextMessage[] = [];
  for (const { role, content } of messages) {
    const before = joined.at(-1);
    if (before?.role === role) before.content += gap + content;
    else joined.push({ role, content });
  }
  return joined;
}

function hasText(content: string): boolean {
  return content.trim() !== '';
}
