import { Agent, type RequestInit, type Response, fetch as undiciFetch } from 'undici';
import { AppError } from '../errors/app-error.ts';
import type { AddressGuard } from './address-guard.ts';
import { createGuardedConnector, type Resolve } from './guarded-connector.ts';

export type GuardedFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * `fetch` for addresses that a tenant can set: refused ones throw `address_not_allowed`, before anything is sent to them. A redirect that is
 * followed opens its own socket, which is checked as well; but it takes every header along except `Authorization` and `Cookie`, so a call
 * with another kind of key asks for `redirect: 'manual'`. Waits as long as the caller's signal lets it. It heeds no proxy: that would connect
 * in our place, unchecked.
 */
export function openGuardedFetch({ guard, resolve }: { guard: AddressGuard; resolve?: Resolve }): {
  fetch: GuardedFetch;
  close(): Promise<void>;
} {
  const dispatcher = new Agent({
    connect: createGuardedConnector(guard, resolve),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async fetch(url, init = {}) {
      const parsed = new URL(url);
      guard.assertUrl(parsed);
      try {
        return await undiciFetch(parsed, { ...init, dispatcher });
      } catch (error) {
        throw findRefusal(error) ?? error;
      }
    },
    close: () => dispatcher.destroy(),
  };
}

/** fetch wraps what went wrong into errors of its own. */
function findRefusal(error: unknown): AppError | null {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof AppError) return each;
  return null;
}
