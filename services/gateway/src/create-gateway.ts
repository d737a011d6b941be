import { createServer, type Server as HttpServer } from 'node:http';
import { AppError } from '@nexus/common/errors/app-error';
import type { ConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { type CancelParts, requestCancel } from '@nexus/common/invocations/request-cancel';
import { createAddressReader } from '@nexus/common/limits/caller-address';
import type { Limits } from '@nexus/common/limits/open-limits';
import type { Logger } from '@nexus/common/logging/create-logger';
import { pingDatabase } from '@nexus/common/postgres/ping-database';
import type { Authenticator } from '@nexus/common/principals/create-authenticator';
import { reachesConversation } from '@nexus/common/principals/reach';
import { answerInTurn } from '@nexus/common/process/answer-in-turn';
import { answerNotFound, createHealthHandler } from '@nexus/common/process/serve-health';
import { pingRedis } from '@nexus/common/redis/ping-redis';
import type { ClientToServerEvents, ServerToClientEvents } from '@nexus/protocol/socket-events';
import type { Registry } from 'prom-client';
import { type DefaultEventsMap, Server, type Socket } from 'socket.io';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { answerRequest, toSocketError } from './requests/answer-request.ts';
import type { RequestTurns } from './requests/request-turns.ts';
import { routeRequests } from './requests/route-requests.ts';
import { cancelRequest, renewRequest, subscribeRequest, unsubscribeRequest } from './requests/socket-requests.ts';
import { allowCallers } from './sockets/allow-callers.ts';
import { type Connection, createArrivals } from './sockets/arrivals.ts';
import { identifySocket, type SocketIdentity } from './sockets/authenticate-socket.ts';
import { broadcastEvent } from './sockets/broadcast-event.ts';
import { disconnectUnread } from './sockets/disconnect-unread.ts';
import { eventParser } from './sockets/event-parser.ts';
import { keepFramesWhole } from './sockets/keep-frames-whole.ts';
import { sendTogether } from './sockets/send-together.ts';
import { createConversationRooms } from './watching/conversation-rooms.ts';
import { loadWatchable } from './watching/load-watchable.ts';
import type { BufferLimits } from './watching/watch-buffer.ts';
import { WatchedConversations, type WatchParts } from './watching/watched-conversations.ts';

export type GatewayParts = CancelParts & {
  feeds: Pick<ConversationFeeds, 'open'>;
  logger: Logger;
  registry: Registry;
  gatewayMetrics: GatewayMetrics;
  authenticator: Authenticator;
  corsOrigins: string[];
  allowedHosts: string[];
  /** Addresses and networks whose X-Forwarded-For counts. */
  trustedProxies: string[];
  limits: Limits;
  bufferLimits: BufferLimits;
};

type SocketData = {
  identity: SocketIdentity;
  watched: WatchedConversations<NexusSocket>;
  turns: RequestTurns | undefined;
};
type NexusSocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;

/** Engine.IO's code for what `allowRequest` refuses. */
const forbidden = 4;
const bufferCheckMs = 100;
/** Bytes. Clients send only ids and cursors. */
const longestRequest = 65_536;
/** How long a connection may take to become a socket, which is when it shows its key. */
const connectTimeoutMs = 10_000;

/** The Socket.IO server as a function of its parts. The caller decides where it listens. */
export function createGateway(parts: GatewayParts): { server: HttpServer; close(): Promise<void> } {
  const { database, logger, limits, gatewayMetrics: metrics } = parts;
  const readAddress = createAddressReader(parts.trustedProxies);
  const server = createHttpServer(parts);
  const io = new Server<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>(server, {
    cors: { origin: parts.corsOrigins },
    allowRequest: allowCallers({ ...parts, readAddress }),
    connectTimeout: connectTimeoutMs,
    maxHttpBufferSize: longestRequest,
    pingInterval: 10_000,
    pingTimeout: 10_000,
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    parser: eventParser,
  });
  keepFramesWhole(io.of('/') as never);
  sendTogether(io);
  const arrivals = createArrivals(limits.openPerAddress, readAddress);
  io.engine.on('connection', (connection: Connection) => arrivals.note(connection));
  io.engine.on('connection_error', ({ code, context }: { code: number; context?: { message?: string } }) => {
    if (code === forbidden) logger.info({ reason: context?.message }, 'a connection was refused');
  });
  const rooms = createConversationRooms(parts.feeds, (room, event) => {
    if (!io.of('/').adapter.rooms.has(room)) return; // all sockets still catch up, or do not read
    metrics.delivered.inc();
    broadcastEvent(io.of('/'), room, event);
  });
  const bufferCheck = setInterval(() => {
    for (const { conn, data } of io.of('/').sockets.values()) {
      if (data.watched.checkBuffer(conn as never, parts.bufferLimits)) metrics.slowClients.inc();
    }
    const disconnected = disconnectUnread(io, parts.bufferLimits);
    if (disconnected > 0) logger.warn({ disconnected }, 'disconnected clients that send requests and do not read');
  }, bufferCheckMs);

  // All sockets share these functions: many sockets only wait, and should need little memory.
  const watchParts: WatchParts<NexusSocket> = {
    rooms,
    onLost: (socket, conversationId, error) =>
      void socket.emit('conversation:interrupted', { conversationId, error: toSocketError(error, logger) }),
  };
  const onSubscribe = answerRequest(
    subscribeRequest,
    logger,
    async ({ data: { identity, watched } }: NexusSocket, { conversationId, cursors }) => {
      const principal = identity.require('read');
      const load = () => loadWatchable(database, principal, conversationId, Object.keys(cursors));
      const watch = await watched.open(conversationId, async () => {
        if (!reachesConversation(principal, conversationId) || !(await load()))
          throw new AppError('conversation_not_found', `There is no conversation ${conversationId}`);
      });
      // Load again, now that we listen: an invocation that began in between is in the list, or its events will arrive.
      const invocations = (await load()) ?? [];
      const ids = invocations.map(({ id }) => id);
      return {
        data: {
          invocations: invocations.map((each) => ({
            ...each,
            lastSeq: Math.max(each.lastSeq, watch.lastSeq(each.id)),
          })),
        },
        afterwards: () => watch.start(cursors, ids),
      };
    },
  );
  const onUnsubscribe = answerRequest(
    unsubscribeRequest,
    logger,
    async ({ data: { watched } }: NexusSocket, { conversationId }) => {
      watched.close(conversationId);
      return { data: null };
    },
  );
  const onCancel = answerRequest(cancelRequest, logger, async ({ data }: NexusSocket, { invocationId }) => {
    const principal = data.identity.require('invoke');
    const { workspaceId } = principal;
    const row = await database.invocation.findFirst({
      where: { id: invocationId, workspaceId },
      select: { conversationId: true },
    });
    const status =
      row &&
      reachesConversation(principal, row.conversationId) &&
      (await requestCancel(parts, { invocationId, workspaceId, conversationId: row.conversationId }));
    if (!status) throw new AppError('invocation_not_found', `There is no invocation ${invocationId}`);
    return { data: { status } };
  });
  const onRenew = answerRequest(renewRequest, logger, async ({ data }: NexusSocket, { token }) => {
    await data.identity.renew(token);
    return { data: null };
  });
  const answerers = {
    'conversation:subscribe': onSubscribe,
    'conversation:unsubscribe': onUnsubscribe,
    'invocation:cancel': onCancel,
    'connection:renew': onRenew,
  } satisfies Record<keyof ClientToServerEvents, unknown>;
  const onRequest = routeRequests<NexusSocket>(answerers, 'invocation:cancel', ({ data: { identity } }) => {
    try {
      identity.countRequest();
      return null;
    } catch (error) {
      return toSocketError(error, logger);
    }
  });
  function onDisconnect(this: NexusSocket): void {
    this.data.watched.closeAll();
    this.data.identity.close();
    metrics.connections.dec();
  }

  io.use((socket, next) => {
    identifySocket(parts, socket, arrivals.of(socket.conn)).then(
      (identity) => {
        socket.data.identity = identity;
        if (socket.conn.readyState !== 'open') identity.close(); // it left meanwhile: Socket.IO tells of no disconnect
        next();
      },
      (error: Error & { data?: unknown }) => {
        if (error.data !== undefined) return next(error);
        logger.warn({ error }, 'a socket could not be identified, it may connect again');
        socket.conn.close(); // the client then connects again by itself
      },
    );
  });
  io.on('connection', (socket) => {
    socket.data.watched = new WatchedConversations(watchParts, socket);
    socket.data.turns = undefined;
    metrics.connections.inc();
    socket.on('disconnect', onDisconnect);
    socket.onAny(onRequest);
    socket.emit('connection:ready', { socketId: socket.id });
  });

  return {
    server,
    async close() {
      clearInterval(bufferCheck);
      await io.close();
    },
  };
}

function createHttpServer({ database, redis, registry }: GatewayParts): HttpServer {
  const health = createHealthHandler(
    { database: () => pingDatabase(database), redis: () => pingRedis(redis) },
    registry,
  );
  const listener = answerInTurn((request, response) => {
    if (!health(request, response)) answerNotFound(request, response, ['/socket.io/']);
  });
  return createServer({ headersTimeout: 10_000, connectionsCheckingInterval: 1_000 }, listener);
}
