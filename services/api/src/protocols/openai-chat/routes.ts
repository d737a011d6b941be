import { agentNotFound, invocationNotFound } from '@nexus/common/errors/not-found';
import { loadSnapshot } from '@nexus/common/feeds/load-snapshot';
import type { CreateInvocation } from '@nexus/common/invocations/create-invocation';
import type { InsertedInvocation } from '@nexus/common/invocations/insert-invocations';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { reachesAgent } from '@nexus/common/principals/reach';
import type { Response } from 'express';
import { z } from 'zod';
import { assertOverridable } from '../../invocations/assert-may-override.ts';
import { createWaitParts, type WaitSources } from '../../invocations/create-wait-parts.ts';
import { type StreamParts, sendEvents, streamEvents } from '../../invocations/event-stream.ts';
import { idempotencyKey } from '../../invocations/invocation-input.ts';
import { waitForEnd } from '../../invocations/wait-for-end.ts';
import { exampleIds } from '../../routes/example-ids.ts';
import { defineRoute, type Route } from '../../routes/route.ts';
import type { Protocol } from '../protocol.ts';
import { chatCompletion, modelList, shownModel } from './chat-reply.ts';
import { chatRequest } from './chat-request.ts';
import { findAgent, type NamedAgent } from './find-agent.ts';
import { createChunkFormat, toCompletion } from './from-events.ts';
import { rememberAgents } from './remember-agents.ts';
import { errorSchema, toError } from './to-error.ts';
import { toInvocation } from './to-invocation.ts';

export type OpenAiChatParts = StreamParts & WaitSources & { database: Database; createInvocation: CreateInvocation };

export const openAiChat: Protocol = { path: '/v1', toError, errorSchema };

/** The protocol's list has no pages. */
const maxModels = 1_000;

const tag = 'OpenAI';
const hello = [{ role: 'user', content: 'Hello!' }];

/** Chat Completions as OpenAI's clients speak them. A client that goes away does not stop its answer. */
export function createOpenAiChatRoutes(parts: OpenAiChatParts): Route[] {
  const { database, logger } = parts;
  const waitParts = createWaitParts(parts);
  const find = (workspaceId: string, model: string) => findAgent(database, workspaceId, model);
  const findRemembered = rememberAgents(find);

  /** null: the client left. */
  async function loadAnswer({ id: invocationId, conversationId }: InsertedInvocation, response: Response) {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.socket?.setTimeout(0); // for this response: a long answer is silent until its end
    await waitForEnd(waitParts, { conversationId, invocationId }, gone.signal);
    if (gone.signal.aborted) return null;
    const snapshot = await loadSnapshot(database, { conversationId, invocationId });
    if (!snapshot) throw invocationNotFound(invocationId); // deleted meanwhile
    return snapshot;
  }

  async function sendChunks(made: InsertedInvocation, model: string, includeUsage: boolean, response: Response) {
    const { id: invocationId, conversationId, createdAt } = made;
    const format = createChunkFormat({ invocationId, createdAt, model }, { includeUsage });
    try {
      await streamEvents(parts, response, { conversationId, invocationId, after: 0 }, format);
    } catch (error) {
      if (response.destroyed) return; // the client left
      if (response.headersSent) throw error;
      logger.warn(
        { error, invocationId, conversationId },
        'its stream could not be opened: it is sent when it is over',
      );
      const snapshot = await loadAnswer(made, response);
      if (snapshot) sendEvents(response, [snapshot], format);
    }
  }

  return [
    defineRoute({
      method: 'post',
      path: '/v1/chat/completions',
      tag,
      protocol: openAiChat,
      summary: 'Ask an agent, as a client of OpenAI',
      description:
        '`model` names the agent, and the messages are all it knows. docs/openai.md says which parameters are honoured, ignored and refused.',
      scope: 'invoke',
      lasts: true,
      headers: idempotencyKey,
      body: chatRequest,
      replies: {
        200: {
          description: 'The answer, once it is complete; with `stream` its chunks',
          schema: chatCompletion,
          others: { 'text/event-stream': z.string().describe('`data` is a `chat.completion.chunk`, at last `[DONE]`') },
        },
      },
      errors: [
        'agent_not_found',
        'provider_not_configured',
        'idempotency_key_reused',
        'provider_unavailable',
        'total_timeout',
      ],
      examples: [
        { name: 'ask Echo', status: 200, body: { model: 'echo', messages: hello } },
        {
          name: 'by its id, as a stream',
          status: 200,
          body: { model: exampleIds.agent, messages: hello, stream: true },
        },
        { name: 'an agent that is not there', status: 404, body: { model: exampleIds.nothing, messages: hello } },
        { name: 'two answers at once', status: 400, body: { model: 'echo', messages: hello, n: 2 } },
      ],
      async handle({ principal, headers, body }, { response }) {
        const { model, stream, stream_options } = body;
        const agent = assertThere(await findRemembered(principal.workspaceId, model), principal, model);
        const input = toInvocation(body, agent.id);
        assertOverridable(principal, agent, input.overrides);
        const made = await parts.createInvocation(principal, input, headers['Idempotency-Key'] ?? null);
        if (stream) {
          await sendChunks(made, model, stream_options?.include_usage ?? false, response);
          return null;
        }
        const { id: invocationId, createdAt } = made;
        const snapshot = await loadAnswer(made, response);
        return snapshot && { status: 200, body: toCompletion({ invocationId, createdAt, model }, snapshot.data) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/models',
      tag,
      protocol: openAiChat,
      summary: 'List the agents that can be asked',
      scope: 'read',
      replies: { 200: { description: `At most ${maxModels}, oldest first`, schema: modelList } },
      examples: [{ name: 'all', status: 200 }],
      async handle({ principal: { workspaceId, agentIds } }) {
        const rows = await database.agent.findMany({
          where: { workspaceId, active: true, ...(agentIds === null ? {} : { id: { in: [...agentIds] } }) },
          orderBy: { id: 'asc' },
          take: maxModels,
          select: { id: true, slug: true, createdAt: true },
        });
        return { status: 200, body: { object: 'list', data: rows.map(toModel) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/models/:model',
      tag,
      protocol: openAiChat,
      summary: 'Read whether an agent can be asked',
      scope: 'read',
      names: 'model',
      params: z.object({ model: z.string() }),
      replies: { 200: { description: 'It can', schema: shownModel } },
      errors: ['agent_not_found'],
      examples: [
        { name: 'Echo', status: 200, params: { model: 'echo' } },
        { name: 'Echo, by its id', status: 200, params: { model: exampleIds.agent } },
        { name: 'one that is not there', status: 404, params: { model: 'gpt-5' } },
      ],
      async handle({ principal, params: { model } }) {
        const agent = assertThere(await find(principal.workspaceId, model), principal, model);
        if (!agent.active) throw agentNotFound(model);
        return { status: 200, body: toModel(agent) };
      },
    }),
  ];
}

/** A key may be for other agents: then this one is not there. */
function assertThere(agent: NamedAgent | null, principal: Pick<Principal, 'agentIds'>, model: string): NamedAgent {
  if (!agent || !reachesAgent(principal, agent.id)) throw agentNotFound(model);
  return agent;
}

function toModel({ id, slug, createdAt }: Pick<NamedAgent, 'id' | 'slug' | 'createdAt'>) {
  return {
    id: slug ?? id,
    object: 'model',
    created: Math.floor(createdAt.getTime() / 1_000),
    owned_by: 'agent-nexus',
  };
}
