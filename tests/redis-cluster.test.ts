import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { hashes } from './support/watch-conversation.ts';

describe('on a Redis Cluster of three nodes', () => {
  let provider: ProviderServer;
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    provider = await openProviderServer();
    const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url };
    stack = await openStack({ cluster: true, workers: 2, gateways: 2, env });
    agentId = await createPacedAgent(stack.api, 't20-n40-d15');
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  it('answers', async () => {
    expect(stack.redis).toBeInstanceOf(Cluster);
    const { body } = await stack.api.invoke({ agentId, message: 'hello' });
    const watcher = await stack.watch({ conversationId: body.conversationId });
    const shown = await watcher.ended(body.id);
    const { shown: own, stored } = hashes(shown);
    expect(own).toBe(stored);
    for (const s of [...stack.apis, ...stack.workers, ...stack.gateways]) console.log(s.output());
  });
});
