import type { ContextSource } from '@nexus/common/claim-invocations';
import { describe, expect, it, vi } from 'vitest';
import { priceTableVersion } from '../usage/price-table.ts';
import { estimateLost } from './estimate-lost.ts';

const source = {
  settings: { provider: 'openai', model: 'gpt-4o', systemPrompt: 'Be brief.', contextTokens: 8_192 },
  input: 'Go on.',
  history: [{ role: 'user', content: 'counted before', tokenCount: 100, turn: 1 }],
} as unknown as ContextSource;
const lost = { invocationId: 'i', attempt: 2 };
const said = { text: 'one two three', reasoning: 'four', seq: 9, attempt: 2 };

function partsWith(load: () => Promise<unknown>) {
  const warn = vi.fn();
  return {
    warn,
    parts: { database: { $queryRaw: load }, logger: { warn } } as unknown as Parameters<typeof estimateLost>[0],
  };
}

describe('what a lost attempt has probably cost', () => {
  it('is its context and what the log has of it, at the price of its model', async () => {
    const { parts } = partsWith(async () => [source]);
    const usage = await estimateLost(parts, lost, said);
    expect(usage).toMatchObject({ outputTokens: 4, cachedTokens: 0, source: 'estimated', priceTableVersion });
    expect(usage.inputTokens).toBeGreaterThan(100 + 3 * 4); // the turn, and what each of three messages takes beside its text
    expect(usage.costMicroUsd).toBe(BigInt(Math.ceil(usage.inputTokens * 2.5 + 4 * 10)));
  });

  it('has nothing of what an earlier attempt said', async () => {
    const { parts } = partsWith(async () => [source]);
    expect(await estimateLost(parts, lost, { ...said, attempt: 1 })).toMatchObject({ outputTokens: 0 });
  });

  it('is nothing where it cannot be estimated, which is logged', async () => {
    const error = new Error('no database');
    const { parts, warn } = partsWith(() => Promise.reject(error));
    expect(await estimateLost(parts, lost, said)).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      costMicroUsd: null,
    });
    expect(warn).toHaveBeenCalledWith({ error, ...lost }, expect.any(String));
  });
});
