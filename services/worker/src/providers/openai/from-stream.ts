import { AppError } from '@nexus/common/errors/app-error';
import type { Usage } from '@nexus/protocol/event';
import type { EventSourceMessage } from 'eventsource-parser';
import { APIError } from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { FinishReason, OnPart, ProviderFinish } from '../provider.ts';

/** Some compatible servers send what a model thinks under one of these names. */
type Delta = ChatCompletionChunk.Choice.Delta & { reasoning_content?: string | null; reasoning?: string | null };
/** A chunk of an answer, or a whole one, which has a message where a chunk has a delta. */
type Chunk = Pick<ChatCompletionChunk, 'usage'> & {
  choices?: { delta?: Delta; message?: Delta; finish_reason?: string | null }[];
};

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
  /** Takes what came instead of events: a server that does not stream gives its answer, or its error, in one piece. */
  takeWhole(body: string): void;
  /** After the last event: a stream without a finish reason was cut. */
  finish(): ProviderFinish;
};

/** One answer, read event by event. The usage comes in an event of its own, after the finish reason. */
export function createOpenAiAnswer(onPart: OnPart): OpenAiAnswer {
  let rawReason: string | null = null;
  let usage: Usage | null = null;
  let textTokens: number | undefined;

  function read(chunk: Chunk, said: 'delta' | 'message'): void {
    if (chunk.usage) {
      usage = toUsage(chunk.usage);
      textTokens = usage.outputTokens - (chunk.usage.completion_tokens_details?.reasoning_tokens ?? 0);
    }
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const { content, reasoning_content, reasoning } = choice[said] ?? {};
    const thought = reasoning_content || reasoning;
    if (thought) onPart({ type: 'reasoning-delta', text: thought });
    if (content) onPart({ type: 'text-delta', text: content });
    if (choice.finish_reason) rawReason = choice.finish_reason;
  }

  return {
    take: (event) => read(toChunk(event), 'delta'),
    takeWhole(body) {
      read(toChunk({ data: body }), 'message');
      if (rawReason === null)
        throw new AppError('provider_protocol_error', 'OpenAI answered neither events nor a whole answer');
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
function toChunk({ event, data }: EventSourceMessage): Chunk {
  const chunk = (JSON.parse(data) ?? {}) as Chunk & { error?: object };
  if (event === 'error' || chunk.error) throw new APIError(undefined, chunk.error ?? chunk, undefined, undefined);
  return chunk;
}

function toUsage(usage: NonNullable<ChatCompletionChunk['usage']>): Usage {
  const reasoningTokens = usage.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    source: 'provider',
  };
}
