import type { Principal } from '@nexus/common/principals/principal';
import type { Scope } from '@nexus/common/principals/scope';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Protocol } from '../protocols/protocol.ts';
import type { Tag } from './tags.ts';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

/** What a route answers: JSON, or nothing for a `body` that is left out. */
export type Reply = {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Whether the body has a secret, such as a token: then it is not compressed. */
  hasSecret?: boolean;
};

/** One answer as the document shows it: `schema` for JSON, `others` by their content types. Neither: an answer without a body. */
export type DeclaredReply = { description: string; schema?: z.ZodType; others?: Record<string, z.ZodType> };

/** A request that the document shows, and that a test sends. Its ids are those of `example-ids.ts`. */
export type Example = {
  name: string;
  status: number;
  params?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
};

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler gets: parsed once, trusted afterwards. */
export type Asked<P, Q, H, B> = {
  principal: Principal;
  params: Parsed<P>;
  query: Parsed<Q>;
  headers: Parsed<H>;
  body: Parsed<B>;
};

type Declared<P, Q, H, B> = {
  method: Method;
  /** As Express writes it: `/api/agents/:id`. */
  path: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** null: whoever reaches the API may call it. */
  scope: Scope | null;
  /** Its answer may take long, as a stream's does: it is cut when the caller's key ends. */
  lasts?: boolean;
  /** What the `id` (or `model`) in its path names: callers that are limited to some of them know no others. */
  names?: 'agent' | 'conversation' | 'invocation' | 'model';
  /** Whose language its refusals speak; without it they are problem documents. */
  protocol?: Protocol;
  params?: P;
  query?: Q;
  /** By their names in lower case. */
  headers?: H;
  body?: B;
  replies: Record<number, DeclaredReply>;
  /** The codes of its own refusals; those that every route has are added. */
  errors?: ErrorCode[];
  examples?: Example[];
  /** A handler that writes the response itself, as a stream does, resolves with null. */
  handle(asked: Asked<P, Q, H, B>, http: { request: Request; response: Response }): Promise<Reply | null>;
};

type Schema = z.ZodType | undefined;

/** One row of the route table. Express, the OpenAPI document and the tests of scopes and workspaces derive from it. */
export type Route = Omit<Declared<Schema, Schema, Schema, Schema>, 'handle'> & {
  handle(
    asked: Asked<z.ZodType, z.ZodType, z.ZodType, z.ZodType>,
    http: { request: Request; response: Response },
  ): Promise<Reply | null>;
};

/** Checks a route's handler against the schemas of its input. */
export function defineRoute<
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  H extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(route: Declared<P, Q, H, B>): Route {
  return route as unknown as Route;
}
