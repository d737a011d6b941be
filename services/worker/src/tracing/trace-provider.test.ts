import { AppError } from '@nexus/common/app-error';
import type { Attributes, NewSpan, Span, Tracer } from '@nexus/common/tracer';
import { describe, expect, it } from 'vitest';
import type { Provider, ProviderPart, ProviderRequest } from '../providers/provider.ts';
import { traceProvider } from './trace-provider.ts';

const request: ProviderRequest = {
  model: 'm',
  systemPrompt: '',
  messages: [{ role: 'user', content: 'hello' }],
  temperature: null,
  topP: null,
  maxOutputTokens: null,
};
const text = (said: string): ProviderPart => ({ type: 'text-delta', text: said });
const finish: ProviderPart = { type: 'finish', reason: 'stop', rawReason: 'STOP', usage: null };

function createRecorder() {
  const told = { attributes: {} as Attributes, failures: [] as string[], ends: 0 };
  const span: Span = {
    traceparent: '',
    invocationId: null,
    identify: () => {},
    rename: () => {},
    set: (attributes) => void Object.assign(told.attributes, attributes),
    event: () => {},
    fail: (type) => void told.failures.push(type),
    end: () => {
      told.ends += 1;
    },
  };
  const start = ({ attributes }: NewSpan) => {
    span.set(attributes ?? {});
    return span;
  };
  const tracer: Tracer = {
    start,
    active: () => null,
    within: (_span, body) => body(),
    bind: () => {},
    logFields: () => ({}),
  };
  return { told, tracer };
}

function createTraced(provider: Provider, captureContent = false) {
  const { told, tracer } = createRecorder();
  return { told, traced: traceProvider('gemini', provider, { tracer, captureContent }) };
}

async function* saying(...parts: ProviderPart[]): AsyncIterable<ProviderPart> {
  yield* parts;
}

describe('a traced provider', () => {
  it('yields what the provider yields, and ends the span at the finish, before anybody reads on', async () => {
    const { told, traced } = createTraced({ stream: () => saying(text('a'), finish) });
    const abort = new AbortController();
    const parts: ProviderPart[] = [];
    for await (const part of traced.stream(request, abort.signal)) {
      parts.push(part);
      if (part.type === 'finish') expect(told.ends).toBe(1);
    }
    abort.abort(new AppError('cancelled'));
    expect(parts).toEqual([text('a'), finish]);
    expect(told).toMatchObject({
      ends: 1,
      failures: [],
      attributes: { 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.response.finish_reasons': ['STOP'] },
    });
    expect(Object.keys(told.attributes).join()).not.toContain('messages');
  });

  it('ends the span when the call is given up, though the provider does not heed it', async () => {
    const deaf: Provider = {
      stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    };
    const { told, traced } = createTraced(deaf);
    const abort = new AbortController();
    void traced.stream(request, abort.signal)[Symbol.asyncIterator]().next();
    abort.abort(new AppError('first_token_timeout'));
    expect(told).toMatchObject({ ends: 1, failures: ['first_token_timeout'] });
  });

  it('tells of an error once and throws it on', async () => {
    const broken = new AppError('stream_interrupted');
    async function* breaking(): AsyncIterable<ProviderPart> {
      yield text('half');
      throw broken;
    }
    const { told, traced } = createTraced({ stream: breaking }, true);
    const read = async () => {
      for await (const _ of traced.stream(request, new AbortController().signal));
    };
    await expect(read()).rejects.toBe(broken);
    expect(told).toMatchObject({ ends: 1, failures: ['stream_interrupted'] });
    expect(JSON.parse(String(told.attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'half' }], finish_reason: 'error' },
    ]);
  });

  it('keeps the newest messages of a long conversation, and the last one in any case', async () => {
    const long = 'x'.repeat(50_000);
    const { told, traced } = createTraced({ stream: () => saying(finish) }, true);
    const kept = async (...contents: string[]) => {
      const messages = contents.map((content) => ({ role: 'user' as const, content }));
      for await (const _ of traced.stream({ ...request, messages }, new AbortController().signal));
      const shown = JSON.parse(String(told.attributes['gen_ai.input.messages'])) as { parts: { content: string }[] }[];
      return shown.map(({ parts }) => parts[0]?.content.length);
    };
    expect(await kept('old', long, 'newer', 'newest')).toEqual([3, 50_000, 5, 6]);
    expect(await kept(long, long, 'newest')).toEqual([50_000, 6]);
    expect(await kept('old', 'x'.repeat(90_000))).toEqual([65_537]);
  });
});
