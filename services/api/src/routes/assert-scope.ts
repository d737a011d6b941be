import { AppError } from '@nexus/common/errors/app-error';
import type { Principal } from '@nexus/common/principals/principal';
import type { Scope } from '@nexus/common/principals/scope';

/** Throws `scope_missing` with the scope that is needed. */
export function assertScope({ scopes }: Pick<Principal, 'scopes'>, needed: Scope): void {
  if (!scopes.includes(needed)) throw new AppError('scope_missing', `This needs a key with the scope ${needed}`);
}
