import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';

describe('names of the customer', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0 });
  });
  afterAll(() => stack.close());

  type Shown = { id: string; title: string; userId: string | null; externalId: string | null };
  const open = (body: object) => stack.api.send<Shown>('POST', '/api/conversations', body);

  it('give the first conversation again, however many ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => open({ title: `T${index}`, externalId: 'ticket-1', userId: 'ada' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ externalId: 'ticket-1', userId: 'ada' });
    expect((await open({})).body).toMatchObject({ externalId: null, userId: null });
  });

  it('filter conversations and invocations by user, whatever it is called', async () => {
    const userId = `O'Brien "\\ $1; --`;
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'x', userId });
    await stack.api.invoke({ agentId: stack.echoAgentId, message: 'y' });
    const query = `userId=${encodeURIComponent(userId)}`;
    const invocations = await stack.api.get<{ id: string; userId: string }[]>(`/api/invocations?${query}`);
    expect(invocations.body.map((each) => [each.id, each.userId])).toEqual([[body.id, userId]]);
    const conversations = await stack.api.get<Shown[]>(`/api/conversations?${query}&limit=1`);
    expect(conversations.body.map((each) => [each.id, each.userId])).toEqual([[body.conversationId, userId]]);
  });
});
