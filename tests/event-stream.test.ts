import { logKey } from '@nexus/common/events/event-log-names';
import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { InvocationEvent } from '@nexus/protocol/event';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { waitUntil } from './support/wait-until.ts';

describe('server-sent events', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId, close } = await openProviderStack('t5-n30-d10'));
  });
  afterAll(() => close());

  const streamOf = (id: string) => `${stack.apiUrl}/api/invocations/${id}/events`;

  /** Reads until the server ends the stream, or until `enough` returns true. Then closes the connection. */
  async function read(
    url: string,
    init: RequestInit = {},
    enough: (event: InvocationEvent) => boolean = () => false,
  ): Promise<InvocationEvent[]> {
    const events: InvocationEvent[] = [];
    const leave = new AbortController();
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        const parsed = JSON.parse(data) as InvocationEvent;
        expect([id, event]).toEqual([String(parsed.seq), parsed.type]);
        if (!leave.signal.aborted) events.push(parsed);
        if (enough(parsed)) leave.abort();
      },
    });
    const response = await fetch(url, { ...init, signal: leave.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    try {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(chunk);
    } catch (error) {
      if (!leave.signal.aborted) throw error;
    }
    return events;
  }
  const post = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(body),
  });
  const textOf = (events: InvocationEvent[]) =>
    events.flatMap((event) => (event.type === 'message.delta' ? [event.data.text] : [])).join('');

  it('are the direct answer of a POST that asks for them, and end with the invocation', async () => {
    const events = await read(`${stack.apiUrl}/api/invoke`, post({ agentId, message: 'stream it' }));
    const last = events.at(-1);
    expect(last?.type).toBe('invocation.completed');
    expect(last?.data).toMatchObject({ contentSha256: sha256(textOf(events)) });
    expect(textOf(events)).toMatch(/^word0 .*word29 $/);
  });

  it('begin with invocation.started if a worker claims it at once, and with invocation.queued if it waits in line', async () => {
    const instant = await createPacedAgent(stack.api, 't0-n1-d0');
    const firstOf = async (body: object) => {
      const [first] = await read(`${stack.apiUrl}/api/invoke`, post(body), () => true);
      return first;
    };
    // An idle worker claims it at once. On a busy machine this may need several tries.
    let first: InvocationEvent | undefined;
    for (let tries = 0; tries < 20 && first?.type !== 'invocation.started'; tries += 1)
      first = await firstOf({ agentId: instant, message: `at ease ${tries}` });
    expect(first).toMatchObject({ type: 'invocation.started', seq: 1 });

    const slow = await createPacedAgent(stack.api, 't0-n400-d25');
    const { body: running } = await stack.api.invoke({ agentId: slow, message: 'takes a while' });
    const { id, conversationId } = running;
    const waiting = await firstOf({ agentId: instant, message: 'after it', conversationId });
    expect(waiting).toMatchObject({ type: 'invocation.queued', seq: 1 });
    await stack.api.send('POST', `/api/invocations/${id}/cancel`);
    expect(await stack.api.finished(waiting?.invocationId ?? '')).toMatchObject({ status: 'completed' });
  });

  it('send the terminal event of an instant answer to a reader that has seen all other events', async () => {
    const instant = await createPacedAgent(stack.api, 't0-n1-d0');
    for (let count = 0; count < 20; count += 1) {
      const { body } = await stack.api.invoke({ agentId: instant, message: `instant ${count}` });
      await stack.api.finished(body.id);
      const all = await read(streamOf(body.id));
      const end = all.at(-1);
      const rest = await read(streamOf(body.id), { headers: { 'last-event-id': String((end?.seq ?? 0) - 1) } });
      expect(rest).toEqual([end]);
      expect(end?.type).toBe('invocation.completed');
    }
  });

  it('resume after the Last-Event-ID, without a gap and without a repeat', async () => {
    const { body } = await stack.api.invoke({ agentId, message: 'drop and return' });
    const before = await read(streamOf(body.id), {}, (event) => textOf([event]).includes('word5'));
    const cursor = before.at(-1)?.seq ?? 0;
    const after = await read(streamOf(body.id), { headers: { 'last-event-id': String(cursor) } });
    expect(after[0]?.seq).toBeGreaterThan(cursor);
    const done = await stack.api.finished(body.id);
    expect(textOf(before) + textOf(after)).toBe(done.output);
  });

  it('are not sent again to a reader that has seen the end: 204', async () => {
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'over' });
    const events = await read(streamOf(body.id));
    const response = await fetch(streamOf(body.id), { headers: { 'last-event-id': String(events.at(-1)?.seq) } });
    expect(response.status).toBe(204);
  });

  it('begin with a snapshot if the log has expired', async () => {
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'long ago' });
    await stack.api.finished(body.id);
    await stack.redis.del(logKey(body.conversationId, body.id));
    const [snapshot, ...rest] = await read(streamOf(body.id));
    expect(rest).toEqual([]);
    expect(snapshot).toMatchObject({
      type: 'invocation.snapshot',
      data: { status: 'completed', text: 'You said: long ago', contentSha256: sha256('You said: long ago') },
    });
  });

  it('have the same checksum of the text in a snapshot as in the terminal event, also for an empty text', async () => {
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'nothing' });
    await stack.api.finished(body.id);
    await stack.database.invocation.update({ where: { id: body.id }, data: { outputMessageId: null } });
    await stack.redis.del(logKey(body.conversationId, body.id));
    const [snapshot] = await read(streamOf(body.id));
    expect(snapshot?.data).toMatchObject({ status: 'completed', text: '', messageId: null, contentSha256: sha256('') });
  });

  it('refuse an invalid cursor, and answer one from the future with a snapshot', async () => {
    const { body } = await stack.api.invoke({ agentId, message: 'cursors' });
    for (const cursor of ['-1', 'abc', '1.5']) {
      const response = await fetch(streamOf(body.id), { headers: { 'last-event-id': cursor } });
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({
        detail: expect.stringMatching(/^In the headers: Last-Event-ID: /),
        errors: [{ field: 'Last-Event-ID' }],
      });
    }
    await waitUntil(() => provider.callsFor('cursors')[0]?.sent, { what: 'some text' });
    const events = await read(streamOf(body.id), { headers: { 'last-event-id': '5000' } });
    expect(events[0]?.type).toBe('invocation.snapshot');
    const first = events[0]?.type === 'invocation.snapshot' ? events[0].data.text : '';
    const { output } = await stack.api.finished(body.id);
    expect(first + textOf(events)).toBe(output);
    const afterwards = await read(streamOf(body.id), { headers: { 'last-event-id': '5000' } });
    expect(afterwards).toEqual([expect.objectContaining({ type: 'invocation.snapshot' })]);
    expect(afterwards[0]?.data).toMatchObject({ status: 'completed', text: output });
  });

  it('leave no subscription behind when the reader leaves', async () => {
    const { body } = await stack.api.invoke({ agentId, message: 'leaves' });
    await read(streamOf(body.id), {}, (event) => event.type === 'message.delta');
    await stack.api.finished(body.id);
    await waitUntil(async () => (await stack.redis.pubsub('CHANNELS', 'nexus:*:events')).length === 0, {
      what: 'no subscription',
    });
  });

  it('are also available as a JSON array, and a long poll waits for the end', async () => {
    const { body } = await stack.api.invoke({ agentId, message: 'as json' });
    const polled = await stack.api.get<{ status: string }>(`/api/invocations/${body.id}?wait=20`);
    expect(polled.body.status).toBe('completed');
    const all = await stack.api.get<InvocationEvent[]>(`/api/invocations/${body.id}/events`, {
      accept: 'application/json',
    });
    expect(textOf(all.body)).toMatch(/word29 $/);
    const seq = all.body.find(({ type }) => type === 'invocation.started')?.seq ?? 0;
    expect(seq).toBeGreaterThan(0);
    const some = await stack.api.get<InvocationEvent[]>(`/api/invocations/${body.id}/events?after=${seq}`, {
      accept: 'application/json',
    });
    expect(some.body).toEqual(all.body.filter((event) => event.seq > seq));
    expect(textOf(some.body)).toMatch(/word29 $/);
    expect(some.body.at(-1)?.type).toBe('invocation.completed');
  });
});
