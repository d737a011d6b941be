import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { failing, openProviderServer, type ProviderServer, silent } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { openTraceReceiver, type ReceivedSpan, type TraceReceiver } from './support/open-trace-receiver.ts';
import { waitUntil } from './support/wait-until.ts';

const secret = 'a sentence that nobody else shall read';

function about(invocationId: string) {
  return (span: ReceivedSpan) => span.attributes['nexus.invocation.id'] === invocationId;
}

function spanOf(spans: ReceivedSpan[], kind: ReceivedSpan['kind'], index = 0): ReceivedSpan {
  const span = spans.filter((each) => each.kind === kind)[index];
  if (!span) throw new Error(`no ${kind} span among ${spans.map(({ name }) => name).join(', ')}`);
  return span;
}

type LogLine = { msg: string; trace_id?: string; span_id?: string; [field: string]: unknown };

function logOf(services: { output(): string }[]): LogLine[] {
  const lines = services.flatMap((service) => service.output().split('\n'));
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}

describe('traces', () => {
  let receiver: TraceReceiver;
  let provider: ProviderServer;
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    receiver = await openTraceReceiver();
    provider = await openProviderServer();
    stack = await openStack({
      gateways: 0,
      env: {
        OPENAI_API_KEY: 'test-key',
        OPENAI_BASE_URL: provider.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of%20the=receiver, x-other=2',
      },
    });
    agentId = await createPacedAgent(stack.api, 't20-n4-d1', {
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 77,
      systemPrompt: secret,
    });
  });
  afterAll(async () => {
    await stack.close();
    await receiver.close();
    await provider.close();
  });

  it('are one trace from the request through the queue to the worker and its call', async () => {
    const posted = await stack.api.invoke({ agentId, message: secret }, { 'x-request-id': 'request-of-the-trace' });
    const { id, conversationId } = posted.body;
    await stack.api.finished(id);
    const spans = await receiver.received(about(id), 4);
    const [server, producer, consumer, client] = (['server', 'producer', 'consumer', 'client'] as const).map((kind) =>
      spanOf(spans, kind),
    );

    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(server?.parentSpanId).toBeNull();
    expect(producer?.parentSpanId).toBe(server?.spanId);
    expect(consumer?.parentSpanId).toBe(producer?.spanId);
    expect(client?.parentSpanId).toBe(consumer?.spanId);
    expect(spans.map(({ service }) => service).toSorted()).toEqual([
      'nexus-api',
      'nexus-api',
      'nexus-worker',
      'nexus-worker',
    ]);
    expect(spans.some(({ failed }) => failed)).toBe(false);

    expect(server?.name).toBe('POST /api/invocations');
    expect(server?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/invocations',
      'http.response.status_code': 202,
      'nexus.request.id': 'request-of-the-trace',
      'gen_ai.conversation.id': conversationId,
      'gen_ai.agent.id': agentId,
    });
    expect(producer?.name).toBe('send invocations-openai');
    expect(producer?.attributes['messaging.destination.name']).toBe('invocations-openai');

    const request = {
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 't20-n4-d1',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.top_p': 0.9,
      'gen_ai.request.max_tokens': 77,
    };
    const usage = {
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'nexus.usage.source': 'provider',
      'gen_ai.response.finish_reasons': ['stop'],
    };
    const agentName = String(consumer?.attributes['gen_ai.agent.name']);
    expect(agentName).toMatch(/^t20-n4-d1 \d+$/);
    expect(consumer?.name).toBe(`invoke_agent ${agentName}`);
    expect(consumer?.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': agentId,
      'gen_ai.conversation.id': conversationId,
      'nexus.invocation.attempt': 1,
      'nexus.attempt.outcome': 'completed',
      ...request,
      ...usage,
    });
    expect(consumer?.events.map(({ name }) => name)).toEqual(['invocation.completed']);
    expect(client?.name).toBe('chat t20-n4-d1');
    expect(client?.attributes).toMatchObject({ 'gen_ai.operation.name': 'chat', ...request, ...usage });
    const firstChunk = Number(client?.attributes['gen_ai.response.time_to_first_chunk']);
    expect(firstChunk).toBeGreaterThanOrEqual(0.019);
    expect(firstChunk).toBeLessThan(5);
  });

  it('use only our attribute names and those of the conventions', () => {
    const known = new Set<string>(Object.values(conventions).filter((value) => typeof value === 'string'));
    const used = receiver.spans().flatMap(({ attributes }) => Object.keys(attributes));
    const unknown = used.filter((name) => !name.startsWith('nexus.') && !known.has(name));
    expect(used.length).toBeGreaterThan(20);
    expect(unknown).toEqual([]);
  });

  it('arrive at the path of OTLP, with the headers that were given', () => {
    const [request] = receiver.requests;
    expect(request?.path).toBe('/v1/traces');
    expect(request?.headers).toMatchObject({ 'x-key': 'of the=receiver', 'x-other': '2' });
  });

  it('continue the trace of a caller that has one', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const posted = await stack.api.invoke(
      { agentId, message: 'continued' },
      { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    );
    const spans = await receiver.received(about(posted.body.id), 4);
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(spanOf(spans, 'server').parentSpanId).toBe('00f067aa0ba902b7');
  });

  it('begin a new trace after an invalid traceparent', async () => {
    const posted = await stack.api.invoke({ agentId, message: 'odd' }, { traceparent: '00-zz-01' });
    const spans = await receiver.received(about(posted.body.id), 4);
    expect(spanOf(spans, 'server').parentSpanId).toBeNull();
  });

  it('are not sent when the caller decided not to sample', async () => {
    const traceId = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const header = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
    const unsampled = await stack.api.invoke({ agentId, message: 'unsampled' }, header);
    await stack.api.finished(unsampled.body.id);
    const after = await stack.api.invoke({ agentId, message: 'after it' });
    await receiver.received(about(after.body.id), 4);
    expect(receiver.spans().filter((span) => span.traceId === traceId)).toEqual([]);
  });

  it('show each retry as a call of its own, with our code for what went wrong', async () => {
    provider.next(failing(503, {}, { 'retry-after-ms': '1' }));
    const posted = await stack.api.invoke({ agentId, message: 'retried' });
    const spans = await receiver.received(about(posted.body.id), 5);
    const calls = [spanOf(spans, 'client', 0), spanOf(spans, 'client', 1)];
    expect(calls.map(({ failed }) => failed).toSorted()).toEqual([false, true]);
    expect(calls.find(({ failed }) => failed)?.attributes['error.type']).toBe('provider_unavailable');
    expect(spanOf(spans, 'consumer').attributes['nexus.attempt.outcome']).toBe('completed');
  });

  it('show how an invocation failed', async () => {
    provider.next(failing(401));
    const posted = await stack.api.invoke({ agentId, message: 'rejected' });
    const spans = await receiver.received(about(posted.body.id), 4);
    for (const span of [spanOf(spans, 'client'), spanOf(spans, 'consumer')]) {
      expect(span.failed).toBe(true);
      expect(span.attributes['error.type']).toBe('provider_key_rejected');
    }
    expect(spanOf(spans, 'consumer').events.map(({ name }) => name)).toEqual(['invocation.failed']);
  });

  it('end the call of an invocation that is cancelled', async () => {
    provider.next(silent);
    const posted = await stack.api.invoke({ agentId, message: 'cancelled' });
    const { id } = posted.body;
    await waitUntil(() => provider.callsFor('cancelled').length > 0, { what: 'the call' });
    await stack.api.send('POST', `/api/invocations/${id}/cancel`);
    const spans = await receiver.received(about(id), 4);
    expect(spanOf(spans, 'client').attributes['error.type']).toBe('cancelled');
    expect(spanOf(spans, 'consumer')).toMatchObject({ failed: false, events: [{ name: 'invocation.cancelled' }] });
  });

  it('begin in the worker for an invocation that had to wait in line', async () => {
    const slow = await createPacedAgent(stack.api, 't300-n1-d0');
    const first = await stack.api.invoke({ agentId: slow, message: 'first' });
    const second = await stack.api.invoke({
      agentId: slow,
      conversationId: first.body.conversationId,
      message: 'second',
    });
    await stack.api.finished(second.body.id);
    const firsts = await receiver.received(about(first.body.id), 4);
    const seconds = await receiver.received(about(second.body.id), 3);
    const began = spanOf(seconds, 'consumer');
    expect(began.parentSpanId).toBeNull();
    expect(began.traceId).not.toBe(spanOf(firsts, 'consumer').traceId);
    expect(spanOf(seconds, 'client').traceId).toBe(began.traceId);
  });

  it('do not show a refused request as a failure, also if its body is invalid', async () => {
    await stack.api.send('POST', '/api/invocations', '{"not json', { 'x-request-id': 'broken-body' });
    const [refused] = await receiver.received((span) => span.attributes['nexus.request.id'] === 'broken-body', 1);
    expect(refused).toMatchObject({
      failed: false,
      attributes: { 'http.response.status_code': 400, 'nexus.error.code': 'malformed_json' },
    });
  });

  it('never contain prompts and answers without the setting', () => {
    expect(receiver.requests.length).toBeGreaterThan(0);
    for (const { body } of receiver.requests) {
      expect(body).not.toContain(secret);
      expect(body).not.toContain('word0');
      expect(body).not.toMatch(/gen_ai\.(input|output)\.messages|gen_ai\.system_instructions/);
    }
  });

  it('are named in the log lines that belong to them', async () => {
    const slow = await createPacedAgent(stack.api, 't0-n40-d50');
    const posted = await stack.api.invoke({ agentId: slow, message: 'logged' }, { 'x-request-id': 'logged-request' });
    const { id } = posted.body;
    await waitUntil(() => provider.callsFor('logged')[0]?.sent, { what: 'the answer to begin' });
    await stack.testRedis.stop();
    const complaint = () => logOf(stack.workers).find((each) => each.msg === 'publishing waits for redis');
    await waitUntil(complaint, { what: 'a line from within the attempt' });
    await stack.testRedis.start();
    const spans = await receiver.received(about(id), 4);
    const idsOf = ({ traceId, spanId }: ReceivedSpan) => ({ trace_id: traceId, span_id: spanId });

    const line = logOf(stack.apis).find((each) => each.requestId === 'logged-request');
    expect(line).toMatchObject({ msg: 'request', ...idsOf(spanOf(spans, 'server')) });
    expect(complaint()).toMatchObject({ invocationId: id, ...idsOf(spanOf(spans, 'consumer')) });
    const outside = logOf(stack.workers).find((each) => each.msg === 'worker is up');
    expect(outside?.trace_id).toBeUndefined();
  });

  it('are all delivered by a service that stops', async () => {
    const worker = await stack.start('worker', { WORKER_PROVIDERS: 'echo' });
    await stack.workers[0]?.stop();
    const posted = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'the last one' });
    await stack.api.finished(posted.body.id);
    await worker.stop();
    const spans = receiver.spans().filter(about(posted.body.id));
    expect(spans.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['consumer', 'client']));
    expect(spanOf(spans, 'consumer').attributes).toMatchObject({
      'gen_ai.provider.name': 'echo',
      'nexus.usage.source': 'estimated',
    });
  });
});

describe('traces with prompts and answers', () => {
  let receiver: TraceReceiver;
  let provider: ProviderServer;
  let stack: Stack;
  beforeAll(async () => {
    receiver = await openTraceReceiver();
    provider = await openProviderServer();
    stack = await openStack({
      gateways: 0,
      env: {
        OPENAI_API_KEY: 'test-key',
        OPENAI_BASE_URL: provider.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/`,
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true',
      },
    });
  });
  afterAll(async () => {
    await stack.close();
    await receiver.close();
    await provider.close();
  });

  it('contain system prompt, messages and answer in the format of the conventions', async () => {
    const agentId = await createPacedAgent(stack.api, 't0-n2-d1', { systemPrompt: 'Be brief.' });
    const posted = await stack.api.invoke({ agentId, message: secret });
    const spans = await receiver.received(about(posted.body.id), 4);
    const { attributes } = spanOf(spans, 'client');
    const parse = (name: string): unknown => JSON.parse(String(attributes[name]));
    expect(parse('gen_ai.system_instructions')).toEqual([{ type: 'text', content: 'Be brief.' }]);
    expect(parse('gen_ai.input.messages')).toEqual([{ role: 'user', parts: [{ type: 'text', content: secret }] }]);
    expect(parse('gen_ai.output.messages')).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'word0 word1 ' }], finish_reason: 'stop' },
    ]);
  });
});

describe('without an endpoint', () => {
  it('only the API of OpenTelemetry is loaded, and jobs and log lines carry no trace', async () => {
    const preload = fileURLToPath(new URL('./support/report-loaded-packages.mjs', import.meta.url));
    const stack = await openStack({ gateways: 0, env: { NODE_OPTIONS: `--import=${preload}` } });
    try {
      const posted = await stack.api.invoke(
        { agentId: stack.echoAgentId, message: 'untraced' },
        { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
      );
      expect((await stack.api.finished(posted.body.id)).status).toBe('completed');
      for (const service of [...stack.apis, ...stack.workers]) {
        // prom-client asks the API for the trace of an exemplar. The API alone does nothing.
        expect(service.output()).not.toMatch(/loaded @opentelemetry\/(?!api\b)/);
        expect(service.output()).not.toMatch(/trace_id|traceparent/);
      }
      const traced = await stack.start('worker', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
      expect(traced.output()).toContain('loaded @opentelemetry/sdk-trace');
    } finally {
      await stack.close();
    }
  });
});

describe('a receiver that is away', () => {
  it('changes nothing for the client, is logged once, and does not delay the stop', async () => {
    const hung = createServer(() => {});
    await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
    const stack = await openStack({
      gateways: 0,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    });
    try {
      const told = () => logOf(stack.workers).filter(({ msg }) => msg.startsWith('traces cannot be delivered'));
      for (let sent = 0; told().length === 0; sent += 1) {
        const posted = await stack.api.invoke({ agentId: stack.echoAgentId, message: `answered ${sent}` });
        expect(posted.status).toBe(202);
        expect((await stack.api.finished(posted.body.id)).output).toBe(`You said: answered ${sent}`);
        if (sent > 200) throw new Error('nobody was told that the receiver is away');
      }
      expect(told()).toHaveLength(1);
      expect(told()[0]?.reason).toContain('ECONNREFUSED');
      const startedAt = performance.now();
      const stopped = await stack.workers[0]?.stop();
      expect(stopped).toEqual({ code: 0, signal: null });
      expect(performance.now() - startedAt).toBeLessThan(5_000);

      const { port } = hung.address() as AddressInfo;
      const waiting = await stack.start('worker', { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
      const posted = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'hung' });
      expect((await stack.api.finished(posted.body.id)).status).toBe('completed');
      const stoppedAt = performance.now();
      expect(await waiting.stop()).toEqual({ code: 0, signal: null });
      expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    } finally {
      await stack.close();
      hung.closeAllConnections();
      await new Promise((resolve) => hung.close(resolve));
    }
  });
});
