import type { GenerateContentResponse, UsageMetadata } from '@google/generative-ai';
import { AppError } from '@nexus/common/errors/app-error';
import type { Usage } from '@nexus/protocol/event';
import type { FinishReason, OnPart, ProviderFinish } from '../provider.ts';

const finishReasons: Record<string, FinishReason> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
};

/** Newer than the client library's types. */
type TextPart = { text?: string; thought?: boolean };
type Counts = UsageMetadata & { thoughtsTokenCount?: number; cachedContentTokenCount?: number };
type ErrorInStream = { error?: { code?: number; message?: string; status?: string } };

/** Tells the parts of the responses. Usage comes with every response, growing; the last one counts. A stream without a finish reason was cut. */
export async function fromGeminiStream(
  responses: AsyncIterable<GenerateContentResponse>,
  onPart: OnPart,
): Promise<ProviderFinish> {
  let rawReason: string | null = null;
  let usage: Usage | null = null;
  for await (const response of responses) {
    const { error } = response as ErrorInStream;
    if (error) throw new GeminiStreamError(error.code, error.message ?? '', error.status);
    if (response.usageMetadata) usage = toUsage(response.usageMetadata);
    if (response.promptFeedback?.blockReason) {
      throw new AppError(
        'provider_content_filtered',
        `Gemini refused the prompt (${response.promptFeedback.blockReason})`,
      );
    }
    const candidate = response.candidates?.[0];
    for (const { text, thought } of (candidate?.content?.parts ?? []) as TextPart[]) {
      if (text) onPart({ type: thought ? 'reasoning-delta' : 'text-delta', text });
    }
    if (candidate?.finishReason) rawReason = candidate.finishReason;
  }
  if (rawReason === null) throw new AppError('stream_interrupted', 'Gemini ended its stream without a finish reason');
  return { reason: finishReasons[rawReason] ?? 'other', rawReason, usage };
}

/** An error object inside a stream that had begun well. */
export class GeminiStreamError extends Error {
  readonly status: number | undefined;
  readonly statusText: string | undefined;
  constructor(status: number | undefined, message: string, statusText: string | undefined) {
    super(message);
    this.status = status;
    this.statusText = statusText;
  }
}

/** What the model thinks is billed as output. */
function toUsage(counts: Counts): Usage {
  return {
    inputTokens: counts.promptTokenCount ?? 0,
    outputTokens: (counts.candidatesTokenCount ?? 0) + (counts.thoughtsTokenCount ?? 0),
    cachedTokens: counts.cachedContentTokenCount ?? 0,
    ...(counts.thoughtsTokenCount === undefined ? {} : { reasoningTokens: counts.thoughtsTokenCount }),
    source: 'provider',
  };
}
