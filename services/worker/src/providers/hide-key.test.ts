import { AppError } from '@nexus/common/errors/app-error';
import { expect, it } from 'vitest';
import { hideKey } from './hide-key.ts';
import type { Provider, ProviderRequest } from './provider.ts';

const key = 'a key of a private server';
const failing = (error: unknown): Provider => ({ stream: () => Promise.reject(error) });
const thrown = (provider: Provider): Promise<unknown> =>
  provider.stream({} as ProviderRequest, () => {}, new AbortController().signal).catch((error: unknown) => error);

it('keeps the key out of an error that quotes it, and all else of the error in', async () => {
  const quoting = new AppError('provider_rate_limited', `OpenAI: ${key} is too busy`, { cause: key, retryAfterMs: 5 });
  const error = await thrown(hideKey(failing(quoting), key));
  expect(error).toMatchObject({ code: 'provider_rate_limited', message: 'OpenAI: [key] is too busy', retryAfterMs: 5 });
  expect((error as AppError).cause).toBeUndefined();
});

it('leaves other errors as they are', async () => {
  const other = new AppError('provider_unavailable', 'OpenAI: away');
  expect(await thrown(hideKey(failing(other), key))).toBe(other);
});
