import { describe, expect, it } from 'vitest';
import { parseInput } from '../../http/parse-input.ts';
import { chatRequest } from './chat-request.ts';
import { toInvocation } from './to-invocation.ts';

const hello = [{ role: 'user', content: 'Hello' }];
const translate = (request: object) => toInvocation(parseInput(chatRequest, { model: 'echo', ...request }), 'a');
const refusal = (request: object) =>
  chatRequest.safeParse({ model: 'echo', messages: hello, ...request }).error?.issues[0]?.path.join('.');

describe('a request', () => {
  it('is a message with what was said before it', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One', name: 'ada' },
      { role: 'assistant', content: 'Two', refusal: null, reasoning_content: 'Hm.', annotations: [] },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'developer', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Three' },
          { type: 'text', text: 'four' },
        ],
      },
    ];
    expect(translate({ messages })).toEqual({
      agentId: 'a',
      message: 'Three\nfour',
      multitaskStrategy: 'enqueue',
      metadata: {},
      overrides: {},
      userId: undefined,
      context: {
        messages: [
          { role: 'user', content: 'One' },
          { role: 'assistant', content: 'Two' },
        ],
        systemText: 'Be brief.\n\nBe kind.',
        store: false,
      },
    });
  });

  it('passes on what it sets', () => {
    const set = { temperature: 0, top_p: 0.5, max_tokens: 7, user: 'ada', store: true, metadata: { a: 'b' } };
    expect(translate({ messages: hello, ...set })).toMatchObject({
      overrides: { temperature: 0, topP: 0.5, maxOutputTokens: 7 },
      userId: 'ada',
      metadata: { a: 'b' },
      context: { store: true },
    });
    expect(translate({ messages: hello, max_completion_tokens: 9 }).overrides).toEqual({ maxOutputTokens: 9 });
  });

  it.each<[string, unknown]>([
    ['n', 1],
    ['logprobs', false],
    ['frequency_penalty', 0],
    ['presence_penalty', 0],
    ['tools', []],
    ['tool_choice', 'none'],
    ['response_format', { type: 'text' }],
    ['modalities', ['text']],
    ['logit_bias', {}],
    ['stop', null],
    ['seed', null],
    ['service_tier', 'auto'],
    ['prompt_cache_key', 'x'],
    ['parallel_tool_calls', true],
    ['prediction', { type: 'content', content: 'x' }],
  ])('may say %s in a way that changes nothing', (name, value) => expect(refusal({ [name]: value })).toBeUndefined());

  it.each<[string, unknown]>([
    ['n', 2],
    ['logprobs', true],
    ['top_logprobs', 2],
    ['logit_bias', { 50256: -100 }],
    ['frequency_penalty', 0.5],
    ['presence_penalty', -1],
    ['seed', 7],
    ['stop', ['\n']],
    ['response_format', { type: 'json_object' }],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'alloy', format: 'wav' }],
    ['tools', [{ type: 'function', function: { name: 'f' } }]],
    ['tool_choice', 'auto'],
    ['functions', [{ name: 'f' }]],
    ['function_call', 'auto'],
    ['reasoning_effort', 'high'],
    ['verbosity', 'low'],
    ['web_search_options', {}],
    ['service_tier', 'priority'],
    ['temperature', 3],
    ['max_tokens', 0],
    ['messages', []],
    ['messages', [{ role: 'assistant', content: 'Hi' }]],
  ])('is refused for its %s: %j', (name, value) => expect(refusal({ [name]: value })?.split('.')[0]).toBe(name));

  it.each<[string, object]>([
    ['messages.0.role', { role: 'tool', content: 'x', tool_call_id: 'c' }],
    ['messages.0.content', { role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }],
    ['messages.0.content', { role: 'user', content: '  ' }],
    ['messages.0.content', { role: 'user', content: 'x'.repeat(100_001) }],
    ['messages.0.tool_calls', { role: 'assistant', content: null, tool_calls: [{ id: 'c' }] }],
  ])('is refused for its %s', (field, message) => expect(refusal({ messages: [message] })).toBe(field));

  it('is refused where two parameters contradict each other', () => {
    expect(refusal({ max_tokens: 1, max_completion_tokens: 1 })).toBe('max_tokens');
    expect(refusal({ stream_options: { include_usage: true } })).toBe('stream_options');
    expect(refusal({ stream: true, stream_options: { include_usage: true } })).toBeUndefined();
  });
});
