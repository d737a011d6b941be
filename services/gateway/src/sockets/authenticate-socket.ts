import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { Authenticated, Authenticator } from '@nexus/common/principals/create-authenticator';
import type { Principal } from '@nexus/common/principals/principal';
import type { Scope } from '@nexus/common/principals/scope';

/** How long before a token ends its socket is warned, so that it can renew it. */
export const warnBeforeMs = 30_000;

/** The part of a socket that says who it is, and that can be told and ended. */
export type IdentifiedSocket = {
  handshake: {
    auth: { token?: unknown };
    headers: { authorization?: string | undefined; cookie?: string | undefined };
  };
  emit(name: 'connection:expiring', notice: { at: string }): unknown;
  disconnect(close: boolean): unknown;
};

/** Who a socket is. From `start` to `close` it is watched whether that still holds. */
export class SocketIdentity {
  readonly #authenticator: Authenticator;
  readonly #socket: IdentifiedSocket;
  #authenticated: Authenticated;
  #release = () => {};
  #isOpen = false;

  constructor(authenticator: Authenticator, socket: IdentifiedSocket, authenticated: Authenticated) {
    this.#authenticator = authenticator;
    this.#socket = socket;
    this.#authenticated = authenticated;
  }

  /** Once the socket is connected: one that leaves during its handshake is never told to close. */
  start(): void {
    this.#isOpen = true;
    this.#watch();
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

  /** Takes another token in place of the one that ends. It reaches at least as far: what is watched stays watched. */
  async renew(token: string): Promise<void> {
    const renewed = await this.#authenticator.authenticate(token);
    if (renewed.principal.workspaceId !== this.principal.workspaceId)
      throw new AppError('unauthorized', 'The token is of another workspace: connect anew with it');
    if (isNarrower(renewed.principal, this.principal))
      throw new AppError('unauthorized', 'The token reaches less far than the one before: connect anew with it');
    this.#authenticated = renewed;
    if (!this.#isOpen) return; // the socket left meanwhile
    this.#release();
    this.#watch();
  }

  close(): void {
    this.#isOpen = false;
    this.#release();
    this.#release = () => {};
  }

  #watch(): void {
    const { expiresAt } = this.#authenticated;
    const stopWatching = this.#authenticator.watch(this.#authenticated, () => this.#socket.disconnect(true));
    if (expiresAt === null) {
      this.#release = stopWatching;
      return;
    }
    const warning = setTimeout(
      () => this.#socket.emit('connection:expiring', { at: new Date(expiresAt).toISOString() }),
      Math.max(0, expiresAt - Date.now() - warnBeforeMs),
    );
    warning.unref();
    this.#release = () => {
      clearTimeout(warning);
      stopWatching();
    };
  }
}

/** Whether something that `before` may watch is out of reach for `next`. */
function isNarrower(next: Principal, before: Principal): boolean {
  const losesReading = before.scopes.includes('read') && !next.scopes.includes('read');
  return losesReading || (next.conversationId !== null && next.conversationId !== before.conversationId);
}

/** The token of a handshake: in `auth`, or as a Bearer token. null: none was sent. */
function tokenOf({ handshake: { auth, headers } }: IdentifiedSocket): string | null {
  if (typeof auth.token === 'string') return auth.token;
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  return bearer ?? null;
}

/** A handshake that is refused tells the client the code, as `error.data`. */
export async function identifySocket(authenticator: Authenticator, socket: IdentifiedSocket): Promise<SocketIdentity> {
  try {
    return new SocketIdentity(authenticator, socket, await authenticator.authenticate(tokenOf(socket)));
  } catch (error) {
    const { code, message } = toAppError(error);
    throw Object.assign(new Error(message), { data: { code, message } });
  }
}
