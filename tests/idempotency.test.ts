import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';

describe('Idempotency-Key', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId, close } = await openProviderStack('t5-n5-d5'));
  });
  afterAll(() => close());

  it('makes one invocation and one provider call of 50 equal requests at once', async () => {
    const body = { agentId, message: 'only once' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => stack.api.invoke(body, { 'idempotency-key': 'key-1' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
    await stack.api.finished(answers[0]?.body.id ?? '');
    expect(await stack.database.invocation.count({ where: { idempotencyKey: 'key-1' } })).toBe(1);
    expect(await stack.database.message.count({ where: { content: 'only once' } })).toBe(1);
    expect(provider.callsFor('only once')).toHaveLength(1);
  });

  it('gives the same answer for any order of the keys in the body, and refuses another body', async () => {
    const headers = { 'idempotency-key': 'key-2' };
    const first = await stack.api.invoke({ agentId, message: 'a', metadata: { x: 1, y: 2 } }, headers);
    const again = await stack.api.invoke({ metadata: { y: 2, x: 1 }, message: 'a', agentId }, headers);
    expect(again.body.id).toBe(first.body.id);
    const other = await stack.api.send<{ code: string; errors: unknown }>(
      'POST',
      '/api/invoke',
      { agentId, message: 'b' },
      headers,
    );
    expect(other.status).toBe(422);
    expect(other.body).toMatchObject({ code: 'idempotency_key_reused', errors: [{ field: 'Idempotency-Key' }] });
  });

  it('gives a repeated request the same stream', async () => {
    const headers = { 'idempotency-key': 'key-3', accept: 'text/event-stream', 'content-type': 'application/json' };
    const ask = async () => {
      const response = await fetch(`${stack.apiUrl}/api/invoke`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ agentId, message: 'streamed' }),
      });
      return [...(await response.text()).matchAll(/"text":"([^"]*)"/g)].map((match) => match[1]).join('');
    };
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one).toBe('word0 word1 word2 word3 word4 ');
    expect(two).toBe(one);
    expect(provider.callsFor('streamed')).toHaveLength(1);
  });

  it('gives one invocation to equal requests that both waited for their conversation, also with multitaskStrategy reject', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const headers = { 'idempotency-key': 'key-5' };
    const body = { agentId, message: 'alone', conversationId: conversation.id, multitaskStrategy: 'reject' };
    const answers = await stack.database.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT 1 FROM conversation WHERE id = ${conversation.id}::uuid FOR UPDATE`;
      const asking = [stack.api.invoke(body, headers), stack.api.invoke(body, headers)];
      await new Promise((resolve) => setTimeout(resolve, 300)); // longer than the second waits for the first
      return asking;
    });
    const [one, two] = await Promise.all(answers);
    expect([one?.status, two?.status]).toEqual([202, 202]);
    expect(two?.body.id).toBe(one?.body.id);
  });

  it('lets a key be used again after a day', async () => {
    const headers = { 'idempotency-key': 'key-4' };
    const first = await stack.api.invoke({ agentId, message: 'yesterday' }, headers);
    await stack.database
      .$executeRaw`UPDATE invocation SET created_at = now() - interval '25 hours' WHERE id = ${first.body.id}::uuid`;
    const second = await stack.api.invoke({ agentId, message: 'today' }, headers);
    expect(second.status).toBe(202);
    expect(second.body.id).not.toBe(first.body.id);
  });
});
