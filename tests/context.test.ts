import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTokens } from '../services/worker/src/context/count-tokens.ts';
import { createPacedAgent } from './support/create-paced-agent.ts';
import {
  type Behaviour,
  beginStream,
  failing,
  finishStream,
  openProviderServer,
  type ProviderServer,
  sendText,
  silent,
} from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

const saying =
  (text: string): Behaviour =>
  async (call, response) => {
    beginStream(response);
    sendText(call, response, text);
    finishStream(call, response);
  };
const thinkingOnly: Behaviour = async (call, response) => {
  beginStream(response);
  response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { reasoning_content: 'hm' } }] })}\n\n`);
  finishStream(call, response);
};

describe('a long conversation', () => {
  let provider: ProviderServer;
  let stack: Stack;
  beforeAll(async () => {
    provider = await openProviderServer();
    stack = await openStack({ gateways: 0, env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url } });
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  it('of 50 turns keeps to its token budget, with the newest turns first and only whole turns', async () => {
    const contextTokens = 600;
    const agentId = await createPacedAgent(stack.api, 't0-n8-d0', { contextTokens, systemPrompt: 'Be brief.' });
    let conversationId: string | undefined;
    for (let turn = 1; turn <= 50; turn += 1) {
      const message = `turn ${turn}: ${'some words to count '.repeat(3)}`;
      const { body } = await stack.api.invoke({ agentId, message, ...(conversationId ? { conversationId } : {}) });
      conversationId = body.conversationId;
      expect((await stack.api.finished(body.id)).status).toBe('completed');
    }
    const last = provider.calls.at(-1)?.request.messages ?? [];
    const tokens = last.reduce((sum, { content }) => sum + countTokens(content) + 4, 0);
    expect(tokens).toBeLessThanOrEqual(contextTokens);
    expect(tokens).toBeGreaterThan(contextTokens - 80); // the stored counts are the provider's, which are a little higher

    const [system, ...messages] = last;
    expect(system).toEqual({ role: 'system', content: 'Be brief.' });
    expect(messages.map(({ role }) => role)).toEqual(
      messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
    );
    const turns = messages
      .filter(({ role }) => role === 'user')
      .map(({ content }) => Number(/turn (\d+)/.exec(content)?.[1]));
    expect(turns).toEqual(Array.from({ length: turns.length }, (_, index) => 51 - turns.length + index));
  });

  it('leaves out a turn that does not fit with its question and its answer', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n3-d0', { contextTokens: 256 });
    const { body } = await stack.api.invoke({ agentId, message: 'a long document '.repeat(1_000) });
    await stack.api.finished(body.id);
    const next = await stack.api.invoke({ agentId, message: 'and then?', conversationId: body.conversationId });
    await stack.api.finished(next.body.id);
    expect(provider.callsFor('and then?')[0]?.request.messages).toEqual([{ role: 'user', content: 'and then?' }]);
  });

  it('keeps the reasoning of a model out of the context, as a message of its own', async () => {
    provider.next(async (call, response) => {
      beginStream(response);
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { reasoning_content: 'let me think' } }] })}\n\n`,
      );
      sendText(call, response, 'the answer');
      finishStream(call, response);
    });
    const agentId = await createPacedAgent(stack.api, 't0-n3-d0');
    const first = await stack.api.invoke({ agentId, message: 'think' });
    await stack.api.finished(first.body.id);
    const { conversationId } = first.body;
    const second = await stack.api.invoke({ agentId, message: 'and now', conversationId });
    await stack.api.finished(second.body.id);
    expect(provider.callsFor('and now')[0]?.request.messages.map(({ content }) => content)).toEqual([
      'think',
      'the answer',
      'and now',
    ]);
    const { body } = await stack.api.get<{ position: number; role: string; type: string; content: string }[]>(
      `/api/conversations/${conversationId}/messages`,
    );
    expect(body.slice(0, 3).map(({ position, role, type, content }) => [position, role, type, content])).toEqual([
      [1, 'user', 'message', 'think'],
      [2, 'assistant', 'thought', 'let me think'],
      [3, 'assistant', 'message', 'the answer'],
    ]);
  });

  /** The messages that were sent to the provider for this message, one in each line. */
  const sentFor = (message: string) =>
    provider.callsFor(message)[0]?.request.messages.map(({ role, content }) => `${role}: ${content}`);

  it.each([
    ['failed', failing(400), 'failed'],
    ['had only reasoning', thinkingOnly, 'completed'],
    ['was white space', saying(' \n'), 'completed'],
    ['was empty', saying(''), 'completed'],
  ])('alternates after an answer that %s', async (what, behaviour, status) => {
    const agentId = await createPacedAgent(stack.api, 't0-n1-d0', { systemPrompt: 'Be brief.' });
    provider.next(behaviour);
    const { body } = await stack.api.invoke({ agentId, message: `one ${what}` });
    const { conversationId } = body;
    expect(await stack.api.finished(body.id)).toMatchObject({ status });
    for (const message of [`two ${what}`, `three ${what}`]) {
      const next = await stack.api.invoke({ agentId, message, conversationId });
      expect(await stack.api.finished(next.body.id)).toMatchObject({ status: 'completed' });
    }
    const joined = `user: one ${what}\n\ntwo ${what}`;
    expect(sentFor(`two ${what}`)).toEqual(['system: Be brief.', joined]);
    expect(sentFor(`three ${what}`)).toEqual(['system: Be brief.', joined, 'assistant: word0 ', `user: three ${what}`]);
  });

  it('alternates after an answer that was stopped before its first token, and after questions that never ran', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n1-d0');
    provider.next(silent);
    const first = await stack.api.invoke({ agentId, message: 'stopped' });
    const { conversationId } = first.body;
    await waitUntil(() => provider.callsFor('stopped')[0], { what: 'the call' });
    const second = await stack.api.invoke({ agentId, message: 'never asked', conversationId });
    const third = await stack.api.invoke({ agentId, message: 'asked', conversationId, multitaskStrategy: 'interrupt' });
    expect(await stack.api.finished(third.body.id)).toMatchObject({ status: 'completed' });
    for (const { body } of [first, second])
      expect(await stack.api.finished(body.id)).toMatchObject({ status: 'cancelled', output: null });
    expect(sentFor('asked')).toEqual(['user: stopped\n\nnever asked\n\nasked']);
  });

  it('leaves out invocations that were rolled back, and alternates', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n1-d0');
    provider.next(failing(400), silent);
    const first = await stack.api.invoke({ agentId, message: 'unanswered' });
    const { conversationId } = first.body;
    await stack.api.finished(first.body.id);
    await stack.api.invoke({ agentId, message: 'to be rolled back', conversationId });
    await waitUntil(() => provider.callsFor('to be rolled back')[0], { what: 'the call' });
    const multitaskStrategy = 'rollback';
    const last = await stack.api.invoke({ agentId, message: 'the last', conversationId, multitaskStrategy });
    expect(await stack.api.finished(last.body.id)).toMatchObject({ status: 'completed' });
    expect(sentFor('the last')).toEqual(['user: unanswered\n\nthe last']);
  });

  it('alternates while another invocation of the conversation is running', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n1-d0');
    provider.next(silent);
    const first = await stack.api.invoke({ agentId, message: 'meanwhile' });
    const { conversationId } = first.body;
    await waitUntil(() => provider.callsFor('meanwhile')[0], { what: 'the call' });
    const multitaskStrategy = 'parallel';
    for (const message of ['beside it', 'beside both']) {
      const { body } = await stack.api.invoke({ agentId, message, conversationId, multitaskStrategy });
      expect(await stack.api.finished(body.id)).toMatchObject({ status: 'completed' });
    }
    expect(sentFor('beside both')).toEqual(['user: meanwhile\n\nbeside it', 'assistant: word0 ', 'user: beside both']);
    await stack.api.send('POST', `/api/invocations/${first.body.id}/cancel`);
  });

  it('uses the settings that one invocation overrides, and only for that one', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n3-d0', { temperature: 0.1, maxOutputTokens: 50 });
    const { body } = await stack.api.invoke({ agentId, message: 'overridden', overrides: { temperature: 0.9 } });
    await stack.api.finished(body.id);
    expect(provider.callsFor('overridden')[0]?.request).toMatchObject({ temperature: 0.9, max_tokens: 50 });
    const next = await stack.api.invoke({ agentId, message: 'not overridden' });
    await stack.api.finished(next.body.id);
    expect(provider.callsFor('not overridden')[0]?.request).toMatchObject({ temperature: 0.1, max_tokens: 50 });
  });
});
