import { createApiClient, type ShownInvocation } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { waitUntil } from '../../tests/support/wait-until.ts';
import type { Nexus } from './open-nexus.ts';

export type Parked = {
  conversationId: string;
  invocationId: string;
  /** How far its log is: that it was started, and before that perhaps that it waits. */
  lastSeq: number;
  cancel(): Promise<void>;
};

const hourMs = 3_600_000;

/** An invocation whose provider says nothing for an hour: its log is written by whoever measures, as its worker would. */
export async function parkInvocation({ apiUrl }: Nexus): Promise<Parked> {
  const api = createApiClient(() => apiUrl);
  const timeouts = { firstTokenTimeoutMs: hourMs, totalTimeoutMs: hourMs };
  const agentId = await createPacedAgent(api, `t${hourMs}-n1-d0`, timeouts);
  const { status, body } = await api.invoke({ agentId, message: 'How are you?' });
  if (status !== 202) throw new Error(`an invocation was answered ${status}: ${JSON.stringify(body)}`);
  const { id: invocationId, conversationId } = body;
  const events = await waitUntil(
    async () => {
      const headers = { accept: 'application/json' };
      const { body } = await api.get<{ seq: number; type: string }[]>(
        `/api/invocations/${invocationId}/events`,
        headers,
      );
      return body.some(({ type }) => type === 'invocation.started') ? body : null;
    },
    { what: 'an invocation to start', everyMs: 50 },
  );
  return {
    conversationId,
    invocationId,
    lastSeq: events.at(-1)?.seq ?? 0,
    async cancel() {
      await api.send<ShownInvocation>('POST', `/api/invocations/${invocationId}/cancel`, {});
    },
  };
}
