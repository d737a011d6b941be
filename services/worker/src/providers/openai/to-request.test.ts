import { describe, expect, it } from 'vitest';
import { hello } from '../testing/collect.ts';
import { toOpenAiRequest } from './to-request.ts';

const settings = { temperature: 0.5, topP: 0.9, maxOutputTokens: 100 };
const fieldsOf = (model: string) => Object.keys(toOpenAiRequest({ ...hello, ...settings, model }, new Set()));

describe('toOpenAiRequest', () => {
  it.each([
    'o1',
    'o3-mini',
    'o3-mini-2025-01-31',
    'gpt-5',
    'gpt-5-mini',
    'gpt-5.1',
    'gpt-5-2025-08-07',
    'openai/gpt-5-mini',
    'openrouter/openai/o3',
    'openai/o3:online',
    'azure/gpt-5-nano',
    'azure_ai/o4-mini',
    'ft:o4-mini-2025-04-16:org::id',
    'openai/ft:gpt-5:org',
  ])('treats %s as a reasoning model', (model) => {
    expect(fieldsOf(model)).toContain('max_completion_tokens');
    for (const field of ['max_tokens', 'temperature', 'top_p']) expect(fieldsOf(model)).not.toContain(field);
  });

  it.each([
    'gpt-4o',
    'gpt-50',
    'gpt-5-chat-latest',
    'my-gpt-5-mini',
    'acme/gpt-5-mini',
    'llama-o1',
    'o1lama',
    'deepseek-r1-distill-o3-mini',
    'foo3-mini',
    'ft:gpt-4o-mini:gpt-5',
    'gpt-oss-120b',
  ])('does not treat %s as a reasoning model', (model) => {
    expect(fieldsOf(model)).toEqual(expect.arrayContaining(['max_tokens', 'temperature', 'top_p']));
    expect(fieldsOf(model)).not.toContain('max_completion_tokens');
  });
});
