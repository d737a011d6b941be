import { AppError } from '@nexus/common/errors/app-error';
import type { EventData, EventType, InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it } from 'vitest';
import { createChunkFormat, toCompletion } from './from-events.ts';

const answer = { invocationId: 'i', createdAt: '2026-01-02T03:04:05.000Z', model: 'echo' };
const head = { id: 'chatcmpl-i', created: 1_767_323_045, model: 'echo' };
const usage = { inputTokens: 3, outputTokens: 5, cachedTokens: 1, reasoningTokens: 2, source: 'provider' as const };
const shownUsage = {
  prompt_tokens: 3,
  completion_tokens: 5,
  total_tokens: 8,
  prompt_tokens_details: { cached_tokens: 1 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const ended = { messageId: 'm', finishReason: 'stop', usage, contentSha256: '' };
const snapshot: EventData['invocation.snapshot'] = {
  ...{ status: 'completed', text: 'Hello', reasoning: '', upToSeq: 4, messageId: 'm', contentSha256: '', error: null },
  ...{ finishReason: 'length', usage },
};

function event<T extends EventType>(type: T, data: EventData[T]): InvocationEvent {
  return { conversationId: 'c', invocationId: 'i', seq: 1, at: '', type, data } as InvocationEvent;
}
const delta = (text: string) => event('message.delta', { text });
const restarted = event('invocation.restarted', { attempt: 2, reason: 'worker_lost' });

type Chunk = {
  usage?: unknown;
  error?: { code: string };
  choices?: { delta: { content?: string; reasoning_content?: string }; finish_reason: string | null }[];
};

function read(events: InvocationEvent[], includeUsage = false) {
  const format = createChunkFormat(answer, { includeUsage });
  const sent = [format.opening, ...events.map(format.toFrames)].join('');
  const data = sent.split('\n\n').map((frame) => frame.replace(/^data: /, ''));
  expect(data.pop()).toBe('');
  const last = data.at(-1);
  const chunks = data.filter((each) => each !== '[DONE]').map((each) => JSON.parse(each) as Chunk);
  return {
    chunks,
    done: last === '[DONE]',
    over: events.length > 0 && format.isOver(events.at(-1) as InvocationEvent),
    text: chunks.map(({ choices }) => choices?.[0]?.delta.content ?? '').join(''),
    thoughts: chunks.map(({ choices }) => choices?.[0]?.delta.reasoning_content ?? '').join(''),
    finish: chunks.map(({ choices }) => choices?.[0]?.finish_reason).findLast(Boolean),
    error: chunks.at(-1)?.error?.code,
  };
}

describe('chunks', () => {
  it('have the shape that OpenAI gives them', () => {
    const { chunks } = read([delta('"Hi"\n'), event('invocation.completed', ended)], true);
    const chunk = { ...head, object: 'chat.completion.chunk', usage: null };
    const choice = (of: object, finish: string | null = null) => [
      { index: 0, delta: of, logprobs: null, finish_reason: finish },
    ];
    expect(chunks).toEqual([
      { ...chunk, choices: choice({ role: 'assistant', content: '', refusal: null }) },
      { ...chunk, choices: choice({ content: '"Hi"\n' }) },
      { ...chunk, choices: choice({}, 'stop') },
      { ...chunk, choices: [], usage: shownUsage },
    ]);
  });

  it('say nothing of the usage where it was not asked for', () => {
    const { chunks, done, over } = read([delta('Hi'), event('invocation.completed', ended)]);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
    expect({ done, over }).toEqual({ done: true, over: true });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['other', 'stop'],
  ])('end for the reason %s with %s', (finishReason, shown) => {
    expect(read([event('invocation.completed', { ...ended, finishReason })]).finish).toBe(shown);
  });

  it('show thoughts as reasoning_content', () => {
    expect(read([event('reasoning.delta', { text: 'Hm.' }), delta('Yes')])).toMatchObject({
      thoughts: 'Hm.',
      text: 'Yes',
    });
  });

  it('go on where an answer that started again repeats what was shown', () => {
    const again = [delta('Hello'), restarted, delta('Hel'), delta('lo you'), event('invocation.completed', ended)];
    expect(read(again)).toMatchObject({ text: 'Hello you', done: true, finish: 'stop' });
  });

  it.each([
    ['says something else', [delta('Hello'), restarted, delta('Hey')]],
    ['ends earlier', [delta('Hello'), restarted, delta('Hell'), event('invocation.completed', ended)]],
    ['is replaced by another', [delta('Bye'), event('invocation.snapshot', snapshot)]],
  ])('end with an error where an answer that started again %s', (_what, events) => {
    expect(read(events)).toMatchObject({ error: 'stream_interrupted', done: false, over: true });
  });

  it('leave out thoughts that differ after a new start', () => {
    const thought = (text: string) => event('reasoning.delta', { text });
    expect(read([thought('A'), restarted, thought('B'), delta('Yes')])).toMatchObject({ thoughts: 'A', text: 'Yes' });
  });

  it('catch up with a snapshot, and end where it has', () => {
    const { text, finish, chunks, done } = read([delta('Hel'), event('invocation.snapshot', snapshot)], true);
    expect({ text, finish, done }).toEqual({ text: 'Hello', finish: 'length', done: true });
    expect(chunks.at(-1)?.usage).toEqual(shownUsage);
    const running = event('invocation.snapshot', { ...snapshot, status: 'running', messageId: null });
    expect(read([running, delta(' you')])).toMatchObject({ text: 'Hello you', over: false });
  });

  it.each([
    [
      'failed',
      event('invocation.failed', {
        error: { code: 'idle_timeout', message: '', retryable: true },
        messageId: null,
        contentSha256: null,
      }),
      'idle_timeout',
    ],
    ['was cancelled', event('invocation.cancelled', { messageId: null, contentSha256: null }), 'cancelled'],
    ['is kept no longer', event('invocation.snapshot', { ...snapshot, text: '' }), 'invocation_not_found'],
  ])('end with an error where the answer %s', (_what, end, code) => {
    expect(read([delta('He'), end])).toMatchObject({ error: code, done: false, over: true });
  });
});

describe('a completion', () => {
  it('has the shape that OpenAI gives it', () => {
    expect(toCompletion(answer, { ...snapshot, reasoning: 'Hm.' })).toEqual({
      ...head,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', refusal: null, reasoning_content: 'Hm.' },
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: shownUsage,
    });
  });

  it('is none where the invocation failed', () => {
    const error = { code: 'provider_unavailable' as const, message: 'status 500', retryable: true };
    const failing = () => toCompletion(answer, { ...snapshot, status: 'failed', error });
    expect(failing).toThrow(new AppError('provider_unavailable', 'status 500'));
    expect(() => toCompletion(answer, { ...snapshot, status: 'running' })).toThrow(new AppError('service_stopping'));
    expect(() => toCompletion(answer, { ...snapshot, text: '' })).toThrow(/no longer kept/);
  });
});
