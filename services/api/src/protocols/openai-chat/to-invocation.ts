import type { ContextMessage } from '@nexus/common/invocations/invocation-context';
import { joinSystemText } from '@nexus/common/invocations/invocation-context';
import type { NewInvocation } from '@nexus/common/invocations/new-invocation';
import { withoutUndefined } from '../../http/without-undefined.ts';
import { type ChatRequest, toText } from './chat-request.ts';

/**
 * A request as an invocation of the agent that its `model` names: the last message is the input, those before it are the history, and
 * all system and developer texts come after the agent's own.
 */
export function toInvocation(request: ChatRequest, agentId: string): NewInvocation {
  const { messages, temperature, top_p, max_tokens, max_completion_tokens, user, metadata, store } = request;
  const systemTexts = messages.filter(({ role }) => role === 'system' || role === 'developer');
  const said = messages.flatMap(({ role, content }): ContextMessage[] =>
    role === 'user' || role === 'assistant' ? [{ role, content: toText(content) }] : [],
  );
  return {
    agentId,
    message: said.at(-1)?.content ?? '',
    multitaskStrategy: 'enqueue',
    metadata: metadata ?? {},
    overrides: withoutUndefined({
      temperature: temperature ?? undefined,
      topP: top_p ?? undefined,
      maxOutputTokens: max_completion_tokens ?? max_tokens ?? undefined,
    }),
    userId: user ?? undefined,
    context: {
      messages: said.slice(0, -1).filter(({ content }) => content !== ''),
      systemText: joinSystemText(...systemTexts.map(({ content }) => toText(content))),
      store: store ?? false,
    },
  };
}
