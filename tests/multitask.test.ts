import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { waitUntil } from './support/wait-until.ts';

describe('several invocations on one conversation', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId, close } = await openProviderStack('t5-n20-d25'));
  });
  afterAll(() => close());

  /** Posts one and waits until its provider call has begun to answer. */
  async function begin(message: string) {
    const { body } = await stack.api.invoke({ agentId, message });
    await waitUntil(() => provider.callsFor(message)[0]?.sent, { what: `an answer to ${message}` });
    return body;
  }
  const roles = (message: string) =>
    provider
      .callsFor(message)[0]
      ?.request.messages.map(({ role, content }) => `${role}: ${content.slice(0, 12).trim()}`);

  it('enqueue runs them one after the other, each with the earlier answers in its context', async () => {
    const first = await begin('enqueue one');
    const second = await stack.api.invoke({ agentId, message: 'enqueue two', conversationId: first.conversationId });
    const third = await stack.api.invoke({ agentId, message: 'enqueue three', conversationId: first.conversationId });
    expect(await stack.api.finished(third.body.id)).toMatchObject({ status: 'completed' });
    expect(await stack.api.finished(second.body.id)).toMatchObject({ status: 'completed' });
    expect(roles('enqueue three')).toEqual([
      'user: enqueue one',
      'assistant: word0 word1',
      'user: enqueue two',
      'assistant: word0 word1',
      'user: enqueue thre',
    ]);
    const calls = ['enqueue one', 'enqueue two', 'enqueue three'].map(
      (message) => provider.callsFor(message)[0]?.startedAt ?? 0,
    );
    expect(calls).toEqual(calls.toSorted((a, b) => a - b));
  });

  it('reject refuses a second one while the first is unfinished, and accepts it afterwards', async () => {
    const first = await begin('reject one');
    const body = { agentId, message: 'reject two', conversationId: first.conversationId, multitaskStrategy: 'reject' };
    const refused = await stack.api.send<{ code: string }>('POST', '/api/invocations', body);
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe('conversation_busy');
    await stack.api.finished(first.id);
    expect((await stack.api.invoke(body)).status).toBe(202);
  });

  it('reject accepts exactly one of many at once', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        stack.api.invoke({
          agentId,
          message: `at once ${index}`,
          conversationId: conversation.id,
          multitaskStrategy: 'reject',
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });

  it('interrupt cancels the active one, keeps its partial text in the context, and runs', async () => {
    const first = await begin('interrupt one');
    const second = await stack.api.invoke({
      agentId,
      message: 'interrupt two',
      conversationId: first.conversationId,
      multitaskStrategy: 'interrupt',
    });
    expect(await stack.api.finished(second.body.id)).toMatchObject({ status: 'completed' });
    expect(await stack.api.finished(first.id)).toMatchObject({
      status: 'cancelled',
      output: expect.stringMatching(/^word0/),
    });
    expect(roles('interrupt two')).toEqual([
      'user: interrupt on',
      expect.stringMatching(/^assistant: word0/),
      'user: interrupt tw',
    ]);
  });

  it('rollback cancels the active one and leaves its messages out of the context', async () => {
    const first = await begin('rollback one');
    const second = await stack.api.invoke({
      agentId,
      message: 'rollback two',
      conversationId: first.conversationId,
      multitaskStrategy: 'rollback',
    });
    expect(await stack.api.finished(second.body.id)).toMatchObject({ status: 'completed', rolledBack: false });
    expect(await stack.api.finished(first.id)).toMatchObject({ status: 'cancelled', rolledBack: true });
    expect(roles('rollback two')).toEqual(['user: rollback two']);
    const { body: messages } = await stack.api.get<{ invocationId: string; rolledBack: boolean }[]>(
      `/api/conversations/${first.conversationId}/messages`,
    );
    expect(messages.length).toBeGreaterThan(2);
    for (const { invocationId, rolledBack } of messages) expect(rolledBack).toBe(invocationId === first.id);
  });

  it('interrupt ends those that waited in line as well', async () => {
    const first = await begin('line one');
    const { conversationId } = first;
    const waiting = await stack.api.invoke({ agentId, message: 'line two', conversationId });
    const last = await stack.api.invoke({
      agentId,
      message: 'line three',
      conversationId,
      multitaskStrategy: 'interrupt',
    });
    expect(await stack.api.finished(last.body.id)).toMatchObject({ status: 'completed' });
    expect(await stack.api.finished(waiting.body.id)).toMatchObject({ status: 'cancelled' });
    expect(provider.callsFor('line two')).toHaveLength(0);
  });

  it('parallel runs beside the active one', async () => {
    const first = await begin('parallel one');
    const second = await stack.api.invoke({
      agentId,
      message: 'parallel two',
      conversationId: first.conversationId,
      multitaskStrategy: 'parallel',
    });
    await waitUntil(() => provider.callsFor('parallel two')[0], { what: 'the second call' });
    expect(provider.callsFor('parallel one')[0]?.complete).toBe(false);
    const [one, two] = [await stack.api.finished(first.id), await stack.api.finished(second.body.id)];
    expect([one.status, two.status]).toEqual(['completed', 'completed']);
  });
});
