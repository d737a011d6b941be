import type { AppError } from '@nexus/common/errors/app-error';
import type { ProviderFinish } from '../providers/provider.ts';

/**
 * The result of a provider call: its finish, or the error that stopped it. `firstPartAt` is a time of `performance.now()`; null if no part
 * arrived.
 */
export type CallResult = { firstPartAt: number | null } & (
  | { finish: ProviderFinish; error: null }
  | { finish: null; error: AppError }
);
