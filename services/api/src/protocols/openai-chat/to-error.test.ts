import { AppError } from '@nexus/common/errors/app-error';
import { errorMeanings } from '@nexus/protocol/error-codes';
import { describe, expect, it } from 'vitest';
import { errorSchema, toError } from './to-error.ts';

type Body = { error: { message: string; param: string | null; code: string | null } };

describe('an error as OpenAI has it', () => {
  it.each([
    ['n', 'n'],
    ['messages.3.content.0.text', 'messages[3].content[0].text'],
    ['agentId', 'model'],
    ['overrides.maxOutputTokens', 'max_completion_tokens'],
    ['body', null],
  ])('blames for the field %s the parameter %s', (field, param) => {
    const { body } = toError(new AppError('invalid_request', 'x', { fields: [{ field, message: '' }] }));
    expect((body as Body).error.param).toBe(param);
  });

  it('shows no message that is not to be shown', () => {
    const { body } = toError(new AppError('internal_error', 'password=hunter2'));
    expect((body as Body).error.message).toBe(errorMeanings.internal_error.title);
  });

  it('says which address is not there', () => {
    const { body, status } = toError(new AppError('not_found', 'x'), 'POST /v1/nothing');
    expect([status, (body as Body).error.message]).toEqual([404, 'Unknown request URL: POST /v1/nothing']);
  });

  it.each(Object.keys(errorMeanings) as (keyof typeof errorMeanings)[])('has its shape for %s', (code) => {
    const { status, body, headers } = toError(new AppError(code));
    expect(errorSchema.parse(body)).toEqual(body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headers).toEqual(errorMeanings[code].retryable ? {} : { 'x-should-retry': 'false' });
  });
});
