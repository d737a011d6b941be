import { AppError } from '@nexus/common/errors/app-error';
import { fromStatus, type ProviderIdentity, quote, systemCodeOf, unreachable } from '../provider-error.ts';

/** An answer that is not 200, as ours. Ollama's body is `{ "error": "…" }`. */
export function fromOllamaResponse(
  identity: ProviderIdentity,
  model: string,
  status: number,
  message: string,
): AppError {
  const cause = undefined;
  if (status === 404 || /model .*not found/i.test(message)) {
    return new AppError(
      'provider_model_not_found',
      `Ollama does not have the model ${model}. Run: ollama pull ${model}`,
    );
  }
  if (/context length|exceeds.*context/i.test(message))
    return new AppError('provider_context_too_long', `Ollama: ${quote(message)}`);
  return fromStatus(identity, { status, message, cause });
}

/** What is thrown while the call or its body is under way. */
export function fromOllamaError(identity: ProviderIdentity, error: unknown, hasAnswered: boolean): AppError {
  if (error instanceof AppError) return error;
  const reason = systemCodeOf(error);
  if (!hasAnswered) return unreachable(identity, error);
  if (error instanceof Error && error.cause === undefined && reason === null && error.name === 'Error') {
    // The library throws an error object inside the stream as a plain Error with its words.
    if (/Did not receive done/.test(error.message))
      return new AppError('stream_interrupted', 'Ollama ended its stream too early');
    return new AppError('provider_unavailable', `Ollama: ${quote(error.message)}`);
  }
  return new AppError('stream_interrupted', `The connection to Ollama broke${reason ? ` (${reason})` : ''}`, {
    cause: error,
  });
}
