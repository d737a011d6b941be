import { createPacedAgent } from '../support/create-paced-agent.ts';
import type { TestDatabase } from '../support/create-test-database.ts';
import { openProviderServer, type ProviderServer } from '../support/open-provider-server.ts';
import { type FaultyProxy, openProxy } from '../support/open-proxy.ts';
import { type Stack, type StackOptions, startStack } from '../support/start-stack.ts';
import type { Watcher } from '../support/watch-conversation.ts';
import { must } from './chaos-row.ts';
import { type Stock, takeStock } from './left-over.ts';
import { type CheckOptions, verify } from './verify.ts';

export type ChaosOptions = StackOptions & {
  /** The services reach Redis through a proxy that can misbehave. */
  throughProxy?: boolean;
};

export type Accepted = { id: string; conversationId: string; message: string };

export type Chaos = {
  stack: Stack;
  provider: ProviderServer;
  redisProxy: FaultyProxy | null;
  /** The resources of the system before its first request. */
  stock: Stock;
  accepted: Accepted[];
  watchers: Watcher[];
  agent(model: string, more?: Record<string, unknown>): Promise<string>;
  /** Posts a message and notes it in `accepted`. Throws if the API does not accept it. */
  post(agentId: string, message: string, body?: Record<string, unknown>): Promise<Accepted>;
  watch(
    conversationId: string,
    options?: { gateway?: number; url?: string; cursors?: Record<string, number> },
  ): Promise<Watcher>;
  newConversation(): Promise<string>;
  /** Asserts I1 to I5 for all accepted invocations and all watchers. */
  verify(options?: CheckOptions): Promise<void>;
  close(): Promise<void>;
};

/** The whole system with a scripted provider, and a list of all accepted invocations. */
export async function openChaos(database: TestDatabase, options: ChaosOptions = {}): Promise<Chaos> {
  const provider = await openProviderServer();
  const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url, SHUTDOWN_GRACE_MS: '1000', ...options.env };
  let redisProxy: FaultyProxy | null = null;
  const viaProxy = async (url: string) => {
    redisProxy = await openProxy(Number(new URL(url).port));
    return `redis://127.0.0.1:${redisProxy.port}`;
  };
  const stack = await startStack(database, {
    ...options,
    env,
    ...(options.throughProxy ? { redisUrlFor: viaProxy } : {}),
  });
  const stock = await takeStock(stack).catch(async (error: unknown) => {
    await stack.close();
    throw error;
  });
  const accepted: Accepted[] = [];
  const watchers: Watcher[] = [];
  let closed = false;
  const chaos: Chaos = {
    stack,
    provider,
    redisProxy,
    stock,
    accepted,
    watchers,
    agent: (model, more) => createPacedAgent(stack.api, model, more),
    async post(agentId, message, body = {}) {
      const answer = await stack.api.invoke({ agentId, message, ...body });
      must(answer.status === 202, `a POST was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      const { id, conversationId } = answer.body;
      const entry = { id, conversationId, message };
      accepted.push(entry);
      return entry;
    },
    async watch(conversationId, watchOptions = {}) {
      const watcher = await stack.watch({ conversationId, ...watchOptions });
      watchers.push(watcher);
      return watcher;
    },
    newConversation: async () => (await stack.api.send<{ id: string }>('POST', '/api/conversations', {})).body.id,
    verify: (checks) => verify(chaos, checks),
    async close() {
      if (closed) return;
      closed = true;
      redisProxy?.set({});
      await stack.close();
      await redisProxy?.close();
      await provider.close();
    },
  };
  return chaos;
}
