import { AppError } from '@nexus/common/app-error';
import type { Usage } from '@nexus/common/event';
import type { EventSourceMessage } from 'eventsource-parser';
import { APIError } from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { FinishReason, OnPart, ProviderFinish } from '../provider.ts';

/** Some compatible servers send what a model thinks under one of these names. */
type ReasoningDelta = { reasoning_content?: string | null; reasoning?: string | null };

const finishReasons: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content_filter',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
};

export type OpenAiAnswer = {
  /** Tells the parts of the next event; throws the error that the provider may send in one. */
  take(event: EventSourceMessage): void;
  /** After the last event: a stream without a finish reason was cut. */
  finish(): ProviderFinish;
};

/** One answer, read event by event. The usage comes in an event of its own, after the finish reason. */
export function createOpenAiAnswer(onPart: OnPart): OpenAiAnswer {
  let rawReason: string | null = null;
  let usage: Usage | null = null;
  let textTokens: number | undefined;

  return {
    take(event) {
      const chunk = toChunk(event);
      if (chunk.usage) {
        usage = toUsage(chunk.usage);
        textTokens = usage.outputTokens - (chunk.usage.completion_tokens_details?.reasoning_tokens ?? 0);
      }
      const choice = chunk.choices?.[0];
      if (!choice) return;
      const { content, reasoning_content, reasoning } = (choice.delta ?? {}) as ChatCompletionChunk.Choice.Delta &
        ReasoningDelta;
      const thought = reasoning_content || reasoning;
      if (thought) onPart({ type: 'reasoning-delta', text: thought });
      if (content) onPart({ type: 'text-delta', text: content });
      if (choice.finish_reason) rawReason = choice.finish_reason;
    },
    finish() {
      if (rawReason === null)
        throw new AppError('stream_interrupted', 'OpenAI ended its stream without a finish reason');
      const reason = finishReasons[rawReason] ?? 'other';
      return { reason, rawReason, usage, ...(textTokens === undefined ? {} : { textTokens }) };
    },
  };
}

/** An error may come inside a stream that began well: as the client library would throw it. */
function toChunk({ event, data }: EventSourceMessage): ChatCompletionChunk {
  const chunk = JSON.parse(data) as ChatCompletionChunk & { error?: object };
  if (event === 'error' || chunk.error) throw new APIError(undefined, chunk.error ?? chunk, undefined, undefined);
  return chunk;
}

function toUsage(usage: NonNullable<ChatCompletionChunk['usage']>): Usage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    source: 'provider',
  };
}
