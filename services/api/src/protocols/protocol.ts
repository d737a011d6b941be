import type { AppError } from '@nexus/common/errors/app-error';
import type { z } from 'zod';

/** What a client of a protocol is told of a failure. */
export type Refusal = { status: number; headers?: Record<string, string>; body: unknown };

/** A language that clients speak, below a path of its own. */
export type Protocol = {
  /** Everything below it is the protocol's, also a path that nobody serves. */
  path: string;
  /** Every failure below the path, those of authentication and of the body included. `address` is the method and path that was asked for. */
  toError(error: AppError, address: string): Refusal;
  /** For the document: the body of a refusal, and which status each code has. */
  errorSchema: z.ZodType;
};

/** The protocol that a path belongs to; null for our own. Express takes paths in whatever case. */
export function protocolAt(protocols: Protocol[], path: string): Protocol | null {
  const asked = path.toLowerCase();
  return protocols.find(({ path: own }) => asked === own || asked.startsWith(`${own}/`)) ?? null;
}
