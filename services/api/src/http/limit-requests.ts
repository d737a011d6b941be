import { toCallerAddress } from '@nexus/common/limits/caller-address';
import type { Limits } from '@nexus/common/limits/open-limits';
import { type RateLimit, rateLimited } from '@nexus/common/limits/rate-limit';
import type { NextFunction, Request, Response } from 'express';
import { findAuthenticated } from './authenticate-request.ts';

/**
 * Counts each request for its key or, without a good one, for the address that it comes from; answers 429 where nothing is left. How it stands
 * is told in each answer, by the header fields of draft-ietf-httpapi-ratelimit-headers-10.
 */
export function limitRequests({ keyRate, addressRate }: Pick<Limits, 'keyRate' | 'addressRate'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const keyId = findAuthenticated(response)?.principal.keyId ?? null;
    next(keyId === null ? count(addressRate, toCallerAddress(request.ip), response) : count(keyRate, keyId, response));
  };
}

/**
 * Counts what fails to authenticate by other means than a key, as a password does, for its address. One that has failed too often is refused
 * whatever it sends.
 */
export function limitFailures(addressRate: Limits['addressRate']) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const address = toCallerAddress(request.ip);
    if (addressRate?.isUsedUp(address)) {
      next(count(addressRate, address, response));
      return;
    }
    response.once('close', () => {
      if (response.statusCode === 401) addressRate?.take(address);
    });
    next();
  };
}

function count(rate: RateLimit | null, caller: string, response: Response): unknown {
  if (!rate) return undefined;
  const { refused, left, resetMs } = rate.take(caller);
  response.setHeader('ratelimit-policy', `"${rate.name}";q=${rate.perMinute};w=60`);
  response.setHeader('ratelimit', `"${rate.name}";r=${left};t=${Math.ceil(resetMs / 1_000)}`);
  return refused ? rateLimited(rate, resetMs) : undefined;
}
