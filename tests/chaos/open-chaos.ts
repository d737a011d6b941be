import { createPacedAgent } from '../support/create-paced-agent.ts';
import type { TestDatabase } from '../support/create-test-database.ts';
import { openProviderServer, type ProviderServer } from '../support/open-provider-server.ts';
import { type Stack, type StackOptions, startStack } from '../support/start-stack.ts';
import type { Watcher } from '../support/watch-conversation.ts';
import { must } from './chaos-row.ts';
import { type CheckOptions, verify } from './verify.ts';

export type ChaosOptions = StackOptions & {
  /** Where the services find Redis, when it is not at its own address. */
  redisUrl?: (url: string) => Promise<string>;
};

export type Accepted = { id: string; conversationId: string; message: string };

export type Chaos = {
  stack: Stack;
  provider: ProviderServer;
  accepted: Accepted[];
  watchers: Watcher[];
  agent(model: string, more?: Record<string, unknown>): Promise<string>;
  /** Posts and notes a message; throws when it is not accepted. */
  post(agentId: string, message: string, body?: Record<string, unknown>): Promise<Accepted>;
  watch(conversationId: string, options?: { gateway?: number; cursors?: Record<string, number> }): Promise<Watcher>;
  newConversation(): Promise<string>;
  /** Asserts I1 to I5 of everything that was accepted and watched. */
  verify(options?: CheckOptions): Promise<void>;
  close(): Promise<void>;
};

/** The whole system with a provider that does as it is told, and a book of everything that was accepted. */
export async function openChaos(database: TestDatabase, options: ChaosOptions = {}): Promise<Chaos> {
  const provider = await openProviderServer();
  const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url, SHUTDOWN_GRACE_MS: '1000', ...options.env };
  const stack = await startStack(database, { ...options, env });
  const accepted: Accepted[] = [];
  const watchers: Watcher[] = [];
  const chaos: Chaos = {
    stack,
    provider,
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
      await stack.close();
      await provider.close();
    },
  };
  return chaos;
}
