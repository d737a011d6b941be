import type { Usage } from '@nexus/common/event';

/** One message of the context, oldest first; the last one is the user's. */
export type ContextMessage = { role: 'user' | 'assistant'; content: string };

/** What a provider is asked. null leaves the choice to the provider. */
export type ProviderRequest = {
  model: string;
  systemPrompt: string;
  messages: ContextMessage[];
  temperature: number | null;
  topP: number | null;
  maxOutputTokens: number | null;
};

/** Why an answer ended, in one vocabulary for all providers. */
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'other';

/**
 * usage is null where the provider did not say; the worker then estimates. `textTokens` is how many of the output tokens were text that
 * was shown; left out where the provider does not tell them from what it thought.
 */
export type ProviderPart =
  | { type: 'text-delta'; text: string }
  | { type: 'reasoning-delta'; text: string }
  | { type: 'finish'; reason: FinishReason; rawReason: string; usage: Usage | null; textTokens?: number };

/**
 * A model behind some API. `stream` makes one call, without retries of its own, and yields parts in order: deltas are never
 * empty, and `finish` comes exactly once, last, of a complete answer. Anything else is thrown as an AppError: an answer that
 * breaks off without its protocol's end mark throws `stream_interrupted`, never ends quietly. Aborting the signal, or leaving
 * the loop, closes the provider's socket; the iteration then throws the signal's reason.
 */
export type Provider = {
  stream(request: ProviderRequest, signal: AbortSignal): AsyncIterable<ProviderPart>;
};
