import { createPacedAgent } from './create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './open-provider-server.ts';
import { openStack, type Stack } from './open-stack.ts';

export type ProviderStack = { provider: ProviderServer; stack: Stack; agentId: string; close(): Promise<void> };

/** An API and a worker that use a provider server, and an agent of it with this pace. */
export async function openProviderStack(pace: string): Promise<ProviderStack> {
  const provider = await openProviderServer();
  const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url };
  const stack = await openStack({ gateways: 0, env });
  return {
    provider,
    stack,
    agentId: await createPacedAgent(stack.api, pace),
    async close() {
      await stack.close();
      await provider.close();
    },
  };
}
