import type { AppError } from '@nexus/common/errors/app-error';
import type { ProviderFinish } from '../providers/provider.ts';

/**
 * How the call of the provider came out: with its finish, or with the error that stopped it. `firstPartAt` is on the process's monotonic
 * clock; null when the provider failed before it said anything.
 */
export type CallResult = { firstPartAt: number | null } & (
  | { finish: ProviderFinish; error: null }
  | { finish: null; error: AppError }
);
