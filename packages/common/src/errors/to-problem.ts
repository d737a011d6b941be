import { errorMeanings } from '@nexus/protocol/error-codes';
import type { AppError } from './app-error.ts';

/** The body of an application/problem+json (RFC 9457) answer; `instance` is the path of the request. */
export function toProblem({ code, message }: Pick<AppError, 'code' | 'message'>, instance: string | undefined) {
  const { status, title, exposed } = errorMeanings[code];
  const type = `urn:agent-nexus:error:${code}`;
  return { type, title, status, ...(exposed ? { detail: message } : {}), instance, code };
}
