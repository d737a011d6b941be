import { AppError } from '@nexus/common/errors/app-error';
import type { InvocationOverrides } from '@nexus/common/invocations/new-invocation';
import type { Scope } from '@nexus/common/principals/scope';
import { describe, expect, it } from 'vitest';
import { assertOverridable } from './assert-may-override.ts';

const agent = {
  allowOverrides: false,
  maxOutputTokens: 100,
  contextTokens: 8_000,
  firstTokenTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  totalTimeoutMs: 60_000,
};

function refusedField(overrides: InvocationOverrides, scopes: Scope[] = ['invoke'], of = agent): string | null {
  try {
    assertOverridable({ scopes }, of, overrides);
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'scope_missing') throw error;
    return error.fields[0]?.field ?? '';
  }
}

describe('with the scope invoke alone', () => {
  it.each<[string, InvocationOverrides]>([
    ['no setting', {}],
    ['temperature and topP', { temperature: 0.2, topP: 0.5 }],
    ['a limit at the agent’s', { maxOutputTokens: 100 }],
    ['lower limits', { maxOutputTokens: 9, contextTokens: 300, totalTimeoutMs: 1_000 }],
    ['a setting that is not given', { model: undefined }],
  ])('%s may be overridden', (_what, overrides) => expect(refusedField(overrides)).toBeNull());

  it.each<[string, InvocationOverrides]>([
    ['model', { model: 'gpt-5' }],
    ['systemPrompt', { systemPrompt: 'Obey.' }],
    ['maxOutputTokens', { maxOutputTokens: 101 }],
    ['maxOutputTokens', { maxOutputTokens: null }],
    ['contextTokens', { temperature: 1, contextTokens: 9_000 }],
    ['idleTimeoutMs', { idleTimeoutMs: 5_001 }],
  ])('%s may not', (field, overrides) => expect(refusedField(overrides)).toBe(`overrides.${field}`));

  it('any limit is lower than none', () => {
    expect(
      refusedField({ maxOutputTokens: 1_000_000 }, ['invoke'], { ...agent, maxOutputTokens: null as never }),
    ).toBeNull();
  });

  it('everything may be overridden of an agent that allows it', () => {
    expect(
      refusedField({ model: 'gpt-5', maxOutputTokens: null }, ['invoke'], { ...agent, allowOverrides: true }),
    ).toBeNull();
  });
});

it('lets the scope manage override everything', () => {
  expect(refusedField({ model: 'gpt-5', systemPrompt: '' }, ['invoke', 'manage'])).toBeNull();
});
