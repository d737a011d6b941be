import type { ApiClient } from './api-client.ts';

let count = 0;

/** Creates an agent on the provider server with this pace and these fields, and returns its id. */
export async function createPacedAgent(
  api: ApiClient,
  model: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  count += 1;
  const { status, body } = await api.send<{ id: string }>('POST', '/api/agents', {
    name: `${model} ${count}`,
    provider: 'openai',
    model,
    ...more,
  });
  if (status !== 201) throw new Error(`the agent was not made: ${JSON.stringify(body)}`);
  return body.id;
}
