import { AppError } from '@nexus/common/errors/app-error';
import type { Attributes, NewSpan, Span, Tracer } from '@nexus/common/tracing/tracer';
import { describe, expect, it } from 'vitest';
import type { OnPart, Provider, ProviderFinish, ProviderPart, ProviderRequest } from '../providers/provider.ts';
import { traceProvider } from './trace-provider.ts';

const request: ProviderRequest = {
  model: 'm',
  systemPrompt: '',
  messages: [{ role: 'user', content: 'hello' }],
  temperature: null,
  topP: null,
  maxOutputTokens: null,
  contextTokens: 8_192,
};
const text = (said: string): ProviderPart => ({ type: 'text-delta', text: said });
const finish: ProviderFinish = { reason: 'stop', rawReason: 'STOP', usage: null };

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

const saying = (...parts: ProviderPart[]): Provider => ({
  async stream(_request, onPart) {
    for (const part of parts) onPart(part);
    return finish;
  },
});

const ignore: OnPart = () => {};

describe('a traced provider', () => {
  it('passes on the parts, and ends the span with the answer', async () => {
    const { told, traced } = createTraced(saying(text('a')));
    const abort = new AbortController();
    const parts: ProviderPart[] = [];
    expect(await traced.stream(request, (part) => void parts.push(part), abort.signal)).toEqual(finish);
    expect(told.ends).toBe(1);
    abort.abort(new AppError('cancelled'));
    expect(parts).toEqual([text('a')]);
    expect(told).toMatchObject({
      ends: 1,
      failures: [],
      attributes: { 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.response.finish_reasons': ['STOP'] },
    });
    expect(Object.keys(told.attributes).join()).not.toContain('messages');
  });

  it('ends the span when the call is aborted, although the provider ignores its signal', async () => {
    const { told, traced } = createTraced({ stream: () => new Promise(() => {}) });
    const abort = new AbortController();
    void traced.stream(request, ignore, abort.signal);
    abort.abort(new AppError('first_token_timeout'));
    expect(told).toMatchObject({ ends: 1, failures: ['first_token_timeout'] });
  });

  it('records an error once and throws it again', async () => {
    const broken = new AppError('stream_interrupted');
    const { told, traced } = createTraced(
      {
        async stream(_request, onPart) {
          onPart(text('half'));
          throw broken;
        },
      },
      true,
    );
    await expect(traced.stream(request, ignore, new AbortController().signal)).rejects.toBe(broken);
    expect(told).toMatchObject({ ends: 1, failures: ['stream_interrupted'] });
    expect(JSON.parse(String(told.attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'half' }], finish_reason: 'error' },
    ]);
  });

  it('keeps the newest messages of a long conversation, and the last one in any case', async () => {
    const long = 'x'.repeat(50_000);
    const { told, traced } = createTraced(saying(), true);
    const kept = async (...contents: string[]) => {
      const messages = contents.map((content) => ({ role: 'user' as const, content }));
      await traced.stream({ ...request, messages }, ignore, new AbortController().signal);
      const shown = JSON.parse(String(told.attributes['gen_ai.input.messages'])) as { parts: { content: string }[] }[];
      return shown.map(({ parts }) => parts[0]?.content.length);
    };
    expect(await kept('old', long, 'newer', 'newest')).toEqual([3, 50_000, 5, 6]);
    expect(await kept(long, long, 'newest')).toEqual([50_000, 6]);
    expect(await kept('old', 'x'.repeat(90_000))).toEqual([65_537]);
  });
});
