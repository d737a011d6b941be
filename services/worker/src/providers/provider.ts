import type { Usage } from '@nexus/protocol/event';

/** One message of the context, oldest first. The first and the last one are the user's, and the roles alternate. */
export type ContextMessage = { role: 'user' | 'assistant'; content: string };

/** What a provider is asked. null leaves the choice to the provider. */
export type ProviderRequest = {
  model: string;
  systemPrompt: string;
  messages: ContextMessage[];
  temperature: number | null;
  topP: number | null;
  maxOutputTokens: number | null;
  /** The agent's limit for the context in tokens, without the answer. Ollama needs it to reserve memory. */
  contextTokens: number;
};

/** Why an answer ended, in one vocabulary for all providers. */
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'other';

/** A piece of an answer; its text is never empty. */
export type ProviderPart = { type: 'text-delta' | 'reasoning-delta'; text: string };

export type OnPart = (part: ProviderPart) => void;

/**
 * How a complete answer ended. `usage` is null if the provider sent no counts, or impossible ones: the worker then estimates. `textTokens` is
 * how many of the output tokens were text. It is left out if the provider does not count reasoning separately.
 */
export type ProviderFinish = { reason: FinishReason; rawReason: string; usage: Usage | null; textTokens?: number };

/**
 * A model behind some API. `stream` makes one call without retries, passes on each part as it comes, in order, and resolves when the answer is
 * complete. It rejects only with AppErrors: an answer that ends without its protocol's end mark is `stream_interrupted`, never complete.
 * Aborting the signal closes the provider's socket, and rejects with the signal's reason.
 */
export type Provider = {
  stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish>;
};
