import type { Attributes } from '@nexus/common/tracing/tracer';
import type { Usage } from '@nexus/protocol/event';
import type { FinishReason, ProviderRequest } from '../providers/provider.ts';

/**
 * Attributes by OpenTelemetry's semantic conventions for generative AI (status: development). A test compares these names with the
 * conventions' package, which is too large to load at run time.
 */

/** The conventions' names of providers. All other providers keep our name. */
const providerNames: Record<string, string> = { gemini: 'gcp.gemini' };

type Settings = Pick<ProviderRequest, 'model' | 'temperature' | 'topP' | 'maxOutputTokens'>;

export function toRequestAttributes(provider: string, settings: Settings): Attributes {
  return {
    'gen_ai.provider.name': providerNames[provider] ?? provider,
    'gen_ai.request.model': settings.model,
    'gen_ai.request.temperature': settings.temperature,
    'gen_ai.request.top_p': settings.topP,
    'gen_ai.request.max_tokens': settings.maxOutputTokens,
  };
}

/** Input tokens include cached tokens, in the conventions and here. */
export function toUsageAttributes({ inputTokens, outputTokens, cachedTokens, source }: Usage): Attributes {
  return {
    'gen_ai.usage.input_tokens': inputTokens,
    'gen_ai.usage.output_tokens': outputTokens,
    'gen_ai.usage.cache_read.input_tokens': cachedTokens,
    'nexus.usage.source': source,
  };
}

/** In characters, for one attribute. Receivers refuse requests of some megabytes, and spans wait in memory until they are sent. */
const maxContentLength = 65_536;

export function toInputAttributes({ systemPrompt, messages }: ProviderRequest): Attributes {
  const kept = newestThatFit(messages);
  return {
    'gen_ai.system_instructions': systemPrompt === '' ? null : JSON.stringify([toPart('text', systemPrompt)]),
    'gen_ai.input.messages': JSON.stringify(
      kept.map(({ role, content }) => ({ role, parts: [toPart('text', content)] })),
    ),
  };
}

export function toOutputAttributes(text: string, reasoning: string, reason: FinishReason | 'error'): Attributes {
  const parts = [
    ...(reasoning === '' ? [] : [toPart('reasoning', reasoning)]),
    ...(text === '' ? [] : [toPart('text', text)]),
  ];
  return {
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts, finish_reason: finishReasons[reason] }]),
  };
}

/** The conventions' names of finish reasons. A reason that they do not name keeps our word. */
const finishReasons: Record<FinishReason | 'error', string> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content_filter',
  tool_calls: 'tool_call',
  other: 'other',
  error: 'error',
};

function newestThatFit<M extends { content: string }>(messages: M[]): M[] {
  let room = maxContentLength;
  const first = messages.findLastIndex((message) => {
    room -= message.content.length;
    return room < 0;
  });
  return messages.slice(Math.min(first + 1, messages.length - 1));
}

function toPart(type: 'text' | 'reasoning', content: string) {
  return { type, content: content.length > maxContentLength ? `${content.slice(0, maxContentLength)}…` : content };
}
