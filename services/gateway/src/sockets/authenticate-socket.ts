import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { Limits } from '@nexus/common/limits/open-limits';
import { takeOrThrow } from '@nexus/common/limits/rate-limit';
import type { Authenticated, Authenticator } from '@nexus/common/principals/create-authenticator';
import type { Principal } from '@nexus/common/principals/principal';
import type { Scope } from '@nexus/common/principals/scope';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { Arrival } from './arrivals.ts';

/** How long before a token ends its socket is warned, so that it can renew it. */
export const warnBeforeMs = 30_000;

/** The part of a socket that says who it is, and that can be told and ended. */
export type IdentifiedSocket = {
  handshake: { auth: { token?: unknown } };
  emit(name: 'connection:expiring', notice: { at: string }): unknown;
  disconnect(close: boolean): unknown;
};

/** What sockets are identified with; all of them share it. */
export type IdentityParts = {
  authenticator: Authenticator;
  limits: Pick<Limits, 'keyRate' | 'addressRate' | 'openPerKey'>;
};

/** Who a socket is, for as long as that holds. */
export class SocketIdentity {
  readonly #parts: IdentityParts;
  readonly #socket: IdentifiedSocket;
  readonly #address: string;
  #authenticated: Authenticated;
  #release: () => void;
  #closed = false;

  /** Throws `too_many_streams` where its key has as many sockets as it may have. */
  constructor(parts: IdentityParts, socket: IdentifiedSocket, address: string, authenticated: Authenticated) {
    this.#parts = parts;
    this.#socket = socket;
    this.#address = address;
    this.#authenticated = authenticated;
    this.#release = this.#watch(authenticated);
  }

  get principal(): Principal {
    return this.#authenticated.principal;
  }

  /** The principal, where it has this scope. Throws `scope_missing`. */
  require(scope: Scope): Principal {
    if (!this.principal.scopes.includes(scope))
      throw new AppError('scope_missing', `This needs a key with the scope ${scope}`);
    return this.principal;
  }

  /** Counts one request, for the key or, without one, the address. Throws `rate_limited`. */
  countRequest(): void {
    const { keyRate, addressRate } = this.#parts.limits;
    const { keyId } = this.principal;
    if (keyId === null) takeOrThrow(addressRate, this.#address);
    else takeOrThrow(keyRate, keyId);
  }

  /** Takes another token in place of the one that ends. It reaches at least as far: what is watched stays watched. */
  async renew(token: string): Promise<void> {
    const renewed = await authenticateAt(this.#parts, token, this.#address);
    if (renewed.principal.workspaceId !== this.principal.workspaceId)
      throw new AppError('unauthorized', 'The token is of another workspace: connect anew with it');
    if (isNarrower(renewed.principal, this.principal))
      throw new AppError('unauthorized', 'The token reaches less far than the one before: connect anew with it');
    if (this.#closed) throw new AppError('service_stopping', 'The socket was closed meanwhile');
    this.#release(); // first: its place among the sockets of its key is free again
    try {
      this.#release = this.#watch(renewed);
      this.#authenticated = renewed;
    } catch (error) {
      this.#release = this.#watch(this.#authenticated);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  /** Returns how to stop, which may be called again. */
  #watch(authenticated: Authenticated): () => void {
    const { keyId } = authenticated.principal;
    const leave = keyId === null ? undefined : this.#parts.limits.openPerKey?.hold(keyId);
    const stopWatching = this.#parts.authenticator.watch(authenticated, () => this.#socket.disconnect(true));
    const stopWarning = this.#warn(authenticated.expiresAt);
    return () => {
      leave?.();
      stopWatching();
      stopWarning?.();
    };
  }

  #warn(expiresAt: number | null): (() => void) | undefined {
    if (expiresAt === null) return undefined;
    const warning = setTimeout(
      () => this.#socket.emit('connection:expiring', { at: new Date(expiresAt).toISOString() }),
      Math.max(0, expiresAt - Date.now() - warnBeforeMs),
    );
    warning.unref();
    return () => clearTimeout(warning);
  }
}

/** Whether something that `before` may watch is out of reach for `next`. */
function isNarrower(next: Principal, before: Principal): boolean {
  const losesReading = before.scopes.includes('read') && !next.scopes.includes('read');
  return losesReading || (next.conversationId !== null && next.conversationId !== before.conversationId);
}

/** The token of a handshake: in `auth`, or as a Bearer token. null: none was sent. */
function tokenOf({ handshake: { auth } }: IdentifiedSocket, { authorization }: Arrival): string | null {
  if (typeof auth.token === 'string') return auth.token;
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return bearer ?? null;
}

/**
 * A handshake that is refused tells the client the code, as `error.data`. Failures of ours are thrown as they are: a client that is refused does
 * not try again by itself.
 */
export async function identifySocket(
  parts: IdentityParts,
  socket: IdentifiedSocket,
  arrival: Arrival,
): Promise<SocketIdentity> {
  try {
    const { address } = arrival;
    const authenticated = await authenticateAt(parts, tokenOf(socket, arrival), address);
    const identity = new SocketIdentity(parts, socket, address, authenticated);
    try {
      identity.countRequest();
    } catch (error) {
      identity.close();
      throw error;
    }
    if (identity.principal.keyId !== null) arrival.leave?.();
    return identity;
  } catch (error) {
    const { code, message, retryAfterMs } = toAppError(error);
    if (errorMeanings[code].status >= 500) throw error;
    throw Object.assign(new Error(message), { data: { code, message, ...(retryAfterMs ? { retryAfterMs } : {}) } });
  }
}

/** What fails counts for the address. Where nothing is left for it, Postgres is not asked about keys that are new here. */
async function authenticateAt(
  { authenticator, limits: { addressRate } }: IdentityParts,
  token: string | null,
  address: string,
): Promise<Authenticated> {
  if (authenticator.isUnknown(token) && addressRate?.isUsedUp(address)) takeOrThrow(addressRate, address);
  try {
    return await authenticator.authenticate(token);
  } catch (error) {
    if (toAppError(error).code === 'unauthorized') takeOrThrow(addressRate, address);
    throw error;
  }
}
