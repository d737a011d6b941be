import type { RequestListener } from 'node:http';
import type { EventAppender } from '@nexus/common/events/append-events';
import type { ConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import type { AddressGuard } from '@nexus/common/guard/address-guard';
import type { GuardedFetch } from '@nexus/common/guard/open-guarded-fetch';
import type { InvocationMetrics } from '@nexus/common/invocations/invocation-metrics';
import type { Limits } from '@nexus/common/limits/open-limits';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { Database } from '@nexus/common/postgres/open-database';
import { pingDatabase } from '@nexus/common/postgres/ping-database';
import { hideTokens } from '@nexus/common/principals/key-token';
import type { Access } from '@nexus/common/principals/open-access';
import { answerInTurn } from '@nexus/common/process/answer-in-turn';
import { createHealthHandler } from '@nexus/common/process/serve-health';
import type { InvocationQueues } from '@nexus/common/queue/invocation-queue';
import { pingRedis } from '@nexus/common/redis/ping-redis';
import type { Redis } from '@nexus/common/redis/redis-connection';
import type { Tracer } from '@nexus/common/tracing/tracer';
import express, { type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Registry } from 'prom-client';
import type { ApiMetrics } from './api-metrics.ts';
import { createDocsRoutes } from './docs/docs-routes.ts';
import { authenticateRequest } from './http/authenticate-request.ts';
import { cors } from './http/cors.ts';
import { createErrorHandler } from './http/error-handler.ts';
import { keepNothing } from './http/keep-nothing.ts';
import { limitFailures, limitRequests } from './http/limit-requests.ts';
import { notFound } from './http/not-found.ts';
import { createRequestLog } from './http/request-log.ts';
import { requireHost } from './http/require-host.ts';
import { requireOrigin } from './http/require-origin.ts';
import { noteMount } from './http/route-of.ts';
import { toPath } from './http/to-path.ts';
import { traceRequests } from './http/trace-requests.ts';
import { countWorkersOnline } from './invocations/count-workers-online.ts';
import { createReachCheck } from './routes/assert-reach.ts';
import { createRoutes } from './routes/create-routes.ts';
import { mountRoutes } from './routes/mount-routes.ts';
import { createWorkspaceCheck } from './workspaces/workspace-check.ts';

/** Bull Board's place: its pages name it. */
export const queueBoardPath = '/admin/queues';

export type ApiParts = {
  database: Database;
  redis: Redis;
  queues: InvocationQueues;
  feeds: ConversationFeeds;
  appender: EventAppender;
  logger: Logger;
  tracer: Tracer | null;
  registry: Registry;
  metrics: InvocationMetrics;
  apiMetrics: ApiMetrics;
  access: Access;
  /** Which addresses a tenant's connection may have, and the way to call them. */
  guard: AddressGuard;
  guardedFetch: GuardedFetch;
  limits: Limits;
  /** How many of each a workspace may have. */
  maxPerWorkspace: { agents: number; keys: number };
  corsOrigins: string[];
  allowedHosts: string[];
  /** Addresses and networks whose X-Forwarded-* headers count. */
  trustedProxies: string[];
  /** Where it is switched on. */
  queueBoard: RequestHandler | null;
  /** Aborted when the process stops: open streams end. */
  stopping: AbortSignal;
};

/** The HTTP API as a function of its parts; who listens, and where, is not its business. */
export function createApp(parts: ApiParts): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', parts.trustedProxies);
  const health = createHealthHandler(
    { database: () => pingDatabase(parts.database), redis: () => pingRedis(parts.redis) },
    parts.registry,
    async () => ({ workersOnline: await countWorkersOnline(parts.database) }),
  );
  app.use((request, response, next) => {
    if (!health(request, response)) next();
  });
  if (parts.tracer) app.use(traceRequests(parts.tracer));
  app.use(createRequestLog(parts.logger, parts.apiMetrics));
  app.use(cors(parts.corsOrigins), requireHost(parts.allowedHosts), requireOrigin(parts.corsOrigins)); // in this order: a page that may read the refusal is shown it
  const { limits } = parts;
  const { authenticator } = parts.access;
  if (parts.queueBoard) app.use(queueBoardPath, noteMount, limitFailures(limits.addressRate), parts.queueBoard);
  const checkWorkspace = createWorkspaceCheck(parts.database);
  app.use(
    helmet(),
    keepNothing,
    authenticateRequest(authenticator, checkWorkspace, limits.addressRate),
    limitRequests(limits),
  );
  const routes = createRoutes(parts);
  mountRoutes(app, [...routes, ...createDocsRoutes(routes)], {
    authenticator,
    limits,
    assertReach: createReachCheck(parts.database),
  });
  const protocols = [...new Set(routes.flatMap(({ protocol }) => protocol ?? []))];
  app.use(notFound);
  app.use(createErrorHandler(parts.logger, protocols));
  return answerInTurn((request, response) => {
    request.url = hideTokens(toPath(request.url ?? '/')); // no route takes a token there, and nothing may repeat it
    app(request, response);
  });
}
