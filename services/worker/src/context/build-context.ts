import type { Turn } from '@nexus/common/invocations/invocation-context';
import type { ContextSource } from '@nexus/common/invocations/status/claim-invocations';
import type { ContextMessage } from '../providers/provider.ts';

/** Roughly the tokens that a chat format needs for each message in addition to its text. */
const tokensPerMessage = 4;

/** Stands between joined messages. */
const gap = '\n\n';

export type Context = { systemPrompt: string; messages: ContextMessage[]; inputTokens: number; contextTokens: number };

/**
 * The context is the system prompt, as many of the newest turns as fit the agent's budget, and the input, which is always kept. A turn (a
 * question and its answer) is included whole or not at all. Turns older than the first one that does not fit are left out.
 *
 * The first and the last message are the user's, and the roles alternate. Many models refuse any other order, and would then refuse every later
 * request of the conversation. So a question without an answer is joined with the next question. A system prompt without text is left out.
 *
 * `inputTokens` counts the input alone, `contextTokens` everything that is sent. Both are estimates.
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

/** Keeps the order of the history: newest turn first, newest message first. Drops messages without text, and answers without a question. */
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
