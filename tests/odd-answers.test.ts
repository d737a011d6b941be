import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginStream, failing, finishStream, sendText } from './support/open-provider-server.ts';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { waitUntil } from './support/wait-until.ts';

describe('an answer that is odd', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId, close } = await openProviderStack('t0-n3-d0'));
  });
  afterAll(() => close());

  async function ask(message: string) {
    const { body } = await stack.api.invoke({ agentId, message });
    return stack.api.finished(body.id);
  }

  it('with a NUL character is kept without it, and asked for once', async () => {
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'K\0f');
      sendText(call, response, '\0');
      finishStream(call, response);
    });
    const done = await ask('nul');
    expect(done).toMatchObject({ status: 'completed', output: 'Kf', attempt: 1 });
    expect(done.usage).toHaveLength(1);
    expect(provider.callsFor('nul')).toHaveLength(1);
  });

  it('with a NUL character in its error ends as that error', async () => {
    provider.next(failing(400, { message: 'bad \0 thing' }));
    const done = await ask('nul in an error');
    expect(done.error).toMatchObject({
      code: 'provider_request_rejected',
      message: expect.stringContaining('bad thing'),
    });
    expect(provider.callsFor('nul in an error')).toHaveLength(1);
    const findLine = () =>
      stack.workers[0]
        ?.output()
        .split('\n')
        .find((line) => line.includes(done.id) && line.includes('the invocation failed'));
    await waitUntil(() => findLine() !== undefined, { what: 'the log of it' });
    const failed = findLine();
    expect(failed).toMatch(/"code":"provider_request_rejected"/);
    expect(failed).not.toContain('thing'); // a provider may quote what it was asked
  });

  it.each([3.5, -1, 1e12])('that says it has %s tokens is counted by us', async (tokens) => {
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'some words');
      const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens };
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage })}\n\n`,
      );
      call.complete = true;
      response.end('data: [DONE]\n\n');
    });
    const done = await ask(`tokens ${tokens}`);
    expect(done).toMatchObject({
      status: 'completed',
      output: 'some words',
      usage: [{ source: 'estimated', outputTokens: 2 }],
    });
  });

  it('that the database refuses ends as failed, paid for once, and its conversation goes on', async () => {
    await stack.database.$executeRawUnsafe(`ALTER TABLE message ADD CONSTRAINT picky CHECK (content <> 'unwanted')`);
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'unwanted');
      finishStream(call, response);
    });
    const done = await ask('refused');
    expect(done).toMatchObject({ status: 'failed', output: null, error: { code: 'internal_error' }, attempt: 1 });
    expect(done.usage).toHaveLength(1);
    expect(provider.callsFor('refused')).toHaveLength(1);
    const { body } = await stack.api.invoke({ agentId, message: 'next', conversationId: done.conversationId });
    expect(await stack.api.finished(body.id)).toMatchObject({ status: 'completed' });
  });

  it('that meets a deadlock at its end is written again, not asked for again', async () => {
    for (const statement of [
      'CREATE SEQUENCE deadlocks',
      `CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF nextval('deadlocks') <= 2 THEN RAISE EXCEPTION USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$`,
      'CREATE TRIGGER deadlock BEFORE INSERT ON usage_record FOR EACH ROW EXECUTE FUNCTION deadlock()',
    ])
      await stack.database.$executeRawUnsafe(statement);
    const done = await ask('deadlock');
    await stack.database.$executeRawUnsafe('DROP TRIGGER deadlock ON usage_record');
    expect(done).toMatchObject({ status: 'completed', attempt: 1 });
    expect(provider.callsFor('deadlock')).toHaveLength(1);
  });

  it('that is to come later costs nothing until then', async () => {
    provider.next(failing(429, {}, { 'retry-after': '11' }));
    const { body } = await stack.api.invoke({ agentId, message: 'later' });
    const usage = await waitUntil(() => stack.database.usageRecord.findFirst({ where: { invocationId: body.id } }), {
      what: 'the record of the refused call',
    });
    expect(usage).toMatchObject({ attempt: 1, inputTokens: 0, outputTokens: 0 });
    expect((await stack.api.send('POST', `/api/invocations/${body.id}/cancel`)).status).toBe(200);
  });

  it.each([
    [429, '86400', 'provider_rate_limited'],
    [402, '11', 'provider_quota_exceeded'],
  ])('of %s that is to come in %s s is not waited for', async (status, seconds, code) => {
    provider.next(failing(status, {}, { 'retry-after': seconds }));
    expect(await ask(`wait ${status}`)).toMatchObject({ status: 'failed', error: { code }, attempt: 1 });
    expect(provider.callsFor(`wait ${status}`)).toHaveLength(1);
  });
});
