import { AppError } from '@nexus/common/errors/app-error';
import type { Provider } from './provider.ts';

/** A shorter one may be part of an ordinary word. */
const minKeyLength = 8;

/** The provider, whose errors do not repeat its key: some servers quote the key that they refuse. */
export function hideKey(provider: Provider, key: string): Provider {
  if (key.length < minKeyLength) return provider;
  return {
    async stream(request, onPart, signal) {
      try {
        return await provider.stream(request, onPart, signal);
      } catch (error) {
        throw error instanceof AppError ? withoutKey(error, key) : error;
      }
    },
  };
}

/** Its cause is left out where the message had the key: it is what the message was made of. */
function withoutKey(error: AppError, key: string): AppError {
  if (!error.message.includes(key)) return error;
  const { code, message, retryAfterMs } = error;
  return new AppError(code, message.replaceAll(key, '[key]'), retryAfterMs === undefined ? {} : { retryAfterMs });
}
