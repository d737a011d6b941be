import { AppError } from '@nexus/common/errors/app-error';
import { conversationNotFound } from '@nexus/common/errors/not-found';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Access } from '@nexus/common/principals/open-access';
import { scopes } from '@nexus/common/principals/scope';
import { signShortToken } from '@nexus/common/principals/short-token';
import type { Request } from 'express';
import { z } from 'zod';
import { sessionCookie } from '../http/authenticate-request.ts';
import { shownId, shownTime } from '../http/output-fields.ts';
import { id, text } from '../http/parse-input.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { isLoopbackName } from './is-loopback-name.ts';

const standardTokenSeconds = 900;
const maxTokenSeconds = 3_600;
const sessionSeconds = 12 * 3_600;

const tokenScopes = ['read', 'invoke'] as const;

const newToken = z.strictObject({
  scopes: z.array(z.enum(tokenScopes, 'expected read, or read and invoke')).min(1).default(['read']),
  conversationId: id().optional().describe('The one conversation that it is good for'),
  userId: text(200).min(1).optional().describe('Your name for your end user'),
  expiresInSeconds: z.number().int().min(10).max(maxTokenSeconds).default(standardTokenSeconds),
});

const shownPrincipal = z
  .strictObject({
    auth: z.enum(['keys', 'off']),
    workspaceId: shownId(),
    keyId: shownId().nullable(),
    scopes: z.array(z.enum(scopes)),
    agentIds: z.array(shownId()).nullable(),
    expiresAt: shownTime().nullable(),
  })
  .meta({ id: 'Session' });

const tag = 'Access';

export type AccessRouteParts = { database: Database; access: Pick<Access, 'authenticator' | 'ring'> };

export function createAccessRoutes({ database, access }: AccessRouteParts): Route[] {
  const { authenticator, ring } = access;
  return [
    defineRoute({
      method: 'post',
      path: '/api/tokens',
      tag,
      summary: 'Make a short-lived token for a browser',
      description: 'It grants at most what the key that makes it grants, and ends with it.',
      scope: 'read',
      body: newToken,
      replies: {
        201: {
          description: 'The token',
          schema: z.strictObject({ token: z.string(), expiresAt: shownTime() }),
        },
      },
      errors: ['conversation_not_found', 'secret_missing'],
      examples: [{ name: 'to read, for a quarter of an hour', status: 201, body: { scopes: ['read'] } }],
      async handle({ principal, body }, { request }) {
        const { workspaceId, keyId } = principal;
        const conversationId = principal.conversationId ?? body.conversationId ?? null;
        const missing = body.scopes.find((scope) => !principal.scopes.includes(scope));
        if (missing) throw new AppError('scope_missing', `This needs a key with the scope ${missing}`);
        if (conversationId !== null)
          await assertConversation(workspaceId, body.conversationId ?? conversationId, conversationId);
        const endsWith = authenticatedUntil(request);
        const expiresAt = Math.min(Date.now() + body.expiresInSeconds * 1_000, endsWith);
        const userId = principal.userId ?? body.userId ?? null;
        const token = await signShortToken(ring, {
          kind: 'token',
          keyId,
          workspaceId,
          scopes: body.scopes,
          conversationId,
          userId,
          expiresAt,
        });
        return {
          status: 201,
          headers: { 'cache-control': 'no-store' },
          body: { token, expiresAt: toSecond(expiresAt) },
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/session',
      tag,
      summary: 'Read who you are',
      scope: 'read',
      replies: { 200: { description: 'What the caller may do', schema: shownPrincipal } },
      examples: [{ name: 'who am I', status: 200 }],
      async handle({ principal: { workspaceId, keyId, scopes: granted, agentIds } }, { request }) {
        const until = authenticatedUntil(request);
        const expiresAt = Number.isFinite(until) ? toSecond(until) : null;
        return {
          status: 200,
          body: { auth: authenticator.mode, workspaceId, keyId, scopes: granted, agentIds, expiresAt },
        };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/session',
      tag,
      summary: 'Sign in with a key, by a cookie',
      description: 'For the console. The cookie is HttpOnly and SameSite=Strict, and beyond loopback Secure.',
      scope: null,
      body: z.strictObject({ key: z.string().max(200) }),
      replies: { 204: { description: 'The cookie is set' } },
      errors: ['unauthorized', 'secret_missing'],
      examples: [{ name: 'a key that is not good', status: 401, body: { key: 'nx_no' } }],
      async handle({ body: { key } }, { request }) {
        const { principal } = await authenticator.authenticate(key.startsWith('nx_') ? key : `nx_${key}`);
        const expiresAt = Date.now() + sessionSeconds * 1_000;
        const { keyId, workspaceId, scopes: granted } = principal;
        const token = await signShortToken(ring, {
          kind: 'session',
          keyId,
          workspaceId,
          scopes: granted,
          conversationId: null,
          userId: null,
          expiresAt,
        });
        return { status: 204, headers: { 'set-cookie': toCookie(request, token, sessionSeconds) } };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/session',
      tag,
      summary: 'Sign out',
      scope: null,
      replies: { 204: { description: 'The cookie is gone' } },
      examples: [{ name: 'sign out', status: 204 }],
      handle: async (_asked, { request }) => ({ status: 204, headers: { 'set-cookie': toCookie(request, '', 0) } }),
    }),
  ];

  async function assertConversation(workspaceId: string, asked: string, allowed: string): Promise<void> {
    const where = { id: asked, workspaceId };
    const found = asked === allowed && (await database.conversation.findFirst({ where, select: { id: true } }));
    if (!found) throw conversationNotFound(asked);
  }
}

/** Milliseconds of the epoch until which the caller's own token is good. */
function authenticatedUntil({ res }: Request): number {
  const { authenticated } = (res?.locals ?? {}) as { authenticated?: { expiresAt: number | null } };
  return authenticated?.expiresAt ?? Number.POSITIVE_INFINITY;
}

function toSecond(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString();
}

function toCookie(request: Request, value: string, seconds: number): string {
  const secure = isLoopbackName(request.hostname) ? '' : '; Secure';
  return `${sessionCookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
}
