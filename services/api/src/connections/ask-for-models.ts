import type { Connection } from '@nexus/common/connections/connection';
import { AppError } from '@nexus/common/errors/app-error';
import type { GuardedFetch } from '@nexus/common/guard/open-guarded-fetch';
import { type ModelListing, modelListings } from '@nexus/common/providers/model-list';
import { Headers, type Response } from 'undici';
import { readJsonBounded } from './read-json-bounded.ts';

/** For all keys of a connection together. */
const limitMs = 10_000;
const maxModels = 10_000;
/** As long as an agent's `model` may be. */
const maxModelLength = 200;

type Key = Connection['keys'][number];

/** What the provider said to one key. `error` has our words, never the provider's: a body may be of a server that is nobody's business. */
export type KeyAnswer = { key: Key | null; status: number | null; models: string[] | null; error: AppError | null };

/** The next key is tried after these; what else goes wrong goes wrong with every key. */
const keyStatuses = new Set([401, 403, 429]);

/**
 * Asks the provider of a connection for its models, with one key after the other until one is taken, or with `everyKey` with each. The last answer
 * says how it went. Follows no redirect: it would take the key to another server.
 */
export async function askForModels(
  fetch: GuardedFetch,
  connection: Connection,
  { everyKey }: { everyKey: boolean },
): Promise<KeyAnswer[]> {
  const listing = modelListings[connection.provider];
  if (!listing || connection.baseUrl === null)
    return [{ key: null, status: null, models: [connection.provider], error: null }];
  const signal = AbortSignal.timeout(limitMs);
  const answers: KeyAnswer[] = [];
  for (const key of connection.keys.length > 0 ? connection.keys : [null]) {
    const answer = await askWith(fetch, connection, listing, key, signal);
    answers.push(answer);
    const goesOn = answer.models === null ? keyStatuses.has(answer.status ?? 0) : everyKey;
    if (!goesOn) break;
  }
  return answers;
}

async function askWith(
  fetch: GuardedFetch,
  { baseUrl, headers }: Connection,
  { path, toKeyHeader, readModels }: ModelListing,
  key: Key | null,
  signal: AbortSignal,
): Promise<KeyAnswer> {
  const sent = new Headers({ accept: 'application/json', ...headers });
  for (const [name, value] of Object.entries(key ? toKeyHeader(key.key) : {})) sent.set(name, value);
  const failed = (error: AppError, status: number | null = null) => ({ key, status, models: null, error });
  let response: Response;
  try {
    response = await fetch(`${baseUrl}${path}`, { headers: sent, redirect: 'manual', signal });
  } catch (error) {
    return failed(error instanceof AppError ? error : unreachable(error, signal));
  }
  const { status } = response;
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    return failed(toRefusal(status), status);
  }
  try {
    const models = readModels(await readJsonBounded(response));
    return { key, status, models: models.filter(isNameable).slice(0, maxModels).toSorted(), error: null };
  } catch (error) {
    return failed(signal.aborted ? unreachable(error, signal) : unreadable(error), status);
  }
}

function toRefusal(status: number): AppError {
  if (status === 401 || status === 403)
    return new AppError('provider_key_rejected', `The provider rejected the key (${status})`);
  if (status === 429) return new AppError('provider_rate_limited', 'The provider asks to slow down (429)');
  if (status >= 500) return new AppError('provider_unavailable', `The provider answered with an error (${status})`);
  if (status < 400)
    return new AppError('provider_protocol_error', `The provider answered with a redirect (${status}): not followed`);
  const hint = status === 404 || status === 405 ? '; there is no list of models below this base URL' : '';
  return new AppError('provider_request_rejected', `The provider rejected the request (${status})${hint}`);
}

function unreadable(cause: unknown): AppError {
  return new AppError('provider_protocol_error', 'The answer is not a list of models', { cause });
}

function unreachable(cause: unknown, signal: AbortSignal): AppError {
  if (signal.aborted) return new AppError('provider_unreachable', `No answer within ${limitMs / 1_000} s`, { cause });
  const { code } = ((cause as Error).cause ?? {}) as { code?: unknown };
  const reason = typeof code === 'string' ? ` (${code})` : '';
  return new AppError('provider_unreachable', `The provider cannot be reached${reason}`, { cause });
}

function isNameable(model: string): boolean {
  return model !== '' && model.length <= maxModelLength;
}
