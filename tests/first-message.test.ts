import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { InvocationEvent } from '@nexus/protocol/event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';

describe('a first message', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0 });
  });
  afterAll(() => stack.close());

  it('is answered, and the answer is stored as it was streamed', async () => {
    const posted = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'Hello, who are you?' });
    expect(posted.status).toBe(202);
    const { id, conversationId } = posted.body;
    expect(posted.headers.get('location')).toBe(`/api/invocations/${id}`);

    const done = await stack.api.finished(id);
    expect(done).toMatchObject({
      status: 'completed',
      output: 'You said: Hello, who are you?',
      attempt: 1,
      error: null,
    });
    expect(done.usage).toHaveLength(1);

    const messages = await stack.api.get<{ position: number; role: string; content: string }[]>(
      `/api/conversations/${conversationId}/messages`,
    );
    expect(messages.body.map(({ position, role, content }) => [position, role, content])).toEqual([
      [1, 'user', 'Hello, who are you?'],
      [2, 'assistant', 'You said: Hello, who are you?'],
    ]);

    const log = await stack.api.get<InvocationEvent[]>(`/api/invocations/${id}/events?after=0`, {
      accept: 'application/json',
    });
    const text = log.body.flatMap((event) => (event.type === 'message.delta' ? [event.data.text] : [])).join('');
    const last = log.body.at(-1);
    expect(text).toBe('You said: Hello, who are you?');
    expect(last).toMatchObject({
      type: 'invocation.completed',
      data: { contentSha256: sha256(text), finishReason: 'stop' },
    });
  });
});
