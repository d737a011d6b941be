import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ShownInvocation } from './support/api-client.ts';
import { silent } from './support/open-provider-server.ts';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { waitUntil } from './support/wait-until.ts';

describe('cancel', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let slow: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId: slow, close } = await openProviderStack('t0-n400-d25'));
  });
  afterAll(() => close());

  const cancel = (id: string) => stack.api.send<ShownInvocation>('POST', `/api/invocations/${id}/cancel`);

  it('ends a queued invocation at once, without a call to the provider', async () => {
    const first = await stack.api.invoke({ agentId: slow, message: 'first in line' });
    const { conversationId } = first.body;
    const second = await stack.api.invoke({ agentId: slow, message: 'second in line', conversationId });
    const answer = await cancel(second.body.id);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'cancelled', output: null });
    await cancel(first.body.id);
    expect(await stack.api.finished(first.body.id)).toMatchObject({ status: 'cancelled' });
    expect(provider.callsFor('second in line')).toHaveLength(0);
  });

  it('before the first token closes the call to the provider within a second', async () => {
    provider.next(silent);
    const { body } = await stack.api.invoke({ agentId: slow, message: 'never begins' });
    const call = await waitUntil(() => provider.callsFor('never begins')[0], { what: 'the call' });
    const askedAt = performance.now();
    expect((await cancel(body.id)).status).toBe(202);
    expect(await stack.api.finished(body.id)).toMatchObject({
      status: 'cancelled',
      output: null,
      outputMessageId: null,
    });
    const closedAt = await waitUntil(() => call.closedEarlyAt, { what: 'the socket to close' });
    expect(closedAt - askedAt).toBeLessThan(1_000);
  });

  it('during the stream keeps the text so far, bills it, and closes the call', async () => {
    const { body } = await stack.api.invoke({ agentId: slow, message: 'goes on' });
    const call = await waitUntil(() => provider.callsFor('goes on').find((each) => each.sent.length > 50), {
      what: 'some text',
    });
    await cancel(body.id);
    const done = await stack.api.finished(body.id);
    expect(done.status).toBe('cancelled');
    expect(done.output).toMatch(/^word0 word1 /);
    expect(call.sent.startsWith(done.output ?? 'nothing')).toBe(true);
    expect(done.usage).toEqual([expect.objectContaining({ attempt: 1, source: 'estimated' })]);
    expect(done.usage[0]?.outputTokens).toBeGreaterThan(0);
    await waitUntil(() => call.closedEarlyAt, { what: 'the socket to close' });
  });

  it('after the end returns how the invocation ended, and a second cancel does no harm', async () => {
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'done already' });
    await stack.api.finished(body.id);
    for (const answer of [await cancel(body.id), await cancel(body.id)]) {
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ status: 'completed', output: 'You said: done already' });
    }
    expect((await cancel('00000000-0000-7000-8000-00000000ffff')).status).toBe(404);
  });
});
