import type { ContextSource } from '@nexus/common/invocations/status/claim-invocations';
import type { NewEvent } from '@nexus/protocol/event';
import { describe, expect, it, vi } from 'vitest';
import { priceTableVersion } from '../usage/price-table.ts';
import { createLostReckoner, type ReckonerParts } from './reckon-lost.ts';

const source = {
  settings: { provider: 'openai', model: 'gpt-4o', systemPrompt: 'Be brief.', contextTokens: 8_192 },
  input: 'Go on.',
  history: [{ role: 'user', content: 'counted before', tokenCount: 100, turn: 1 }],
} as unknown as ContextSource;
const lost = { invocationId: 'i', conversationId: 'c', attempt: 2 };

type Entry = [attempt: number, event: NewEvent];
const delta = (attempt: number, text: string): Entry => [attempt, { type: 'message.delta', data: { text } }];
const restarted = (attempt: number): Entry => [
  attempt,
  { type: 'invocation.restarted', data: { attempt, reason: 'worker_lost' } },
];
const first = [delta(1, 'said by the first one, at some length')];

/** The usage that is stored for the lost attempt with this log. */
async function reckon(log: Entry[] | Error, stored: unknown[] | Error = [source]) {
  const redis = {
    async xrange(_key: string, from: string) {
      if (log instanceof Error) throw log;
      return log
        .map(([attempt, event], index) => [
          `0-${index + 1}`,
          ['a', String(attempt), 't', '0', 'e', JSON.stringify(event).slice(1)],
        ])
        .slice(Number(from.slice(2)) - 1);
    },
  };
  const query = vi.fn(async (sql: TemplateStringsArray, ..._values: unknown[]) => {
    if (stored instanceof Error) throw stored;
    return sql.join('').includes('UPDATE usage_record') ? [1] : stored;
  });
  const onUsed = vi.fn();
  const warn = vi.fn();
  const parts = { database: { query }, redis, logger: { warn }, onUsed } as unknown as ReckonerParts;
  const reckoner = createLostReckoner(parts);
  reckoner.add(lost);
  await reckoner.stop();
  return { usage: onUsed.mock.calls[0]?.[1], statements: query.mock.calls.length, warn };
}

describe('the estimated usage of a lost attempt', () => {
  it('is its context and its text in the log, at the price of its model', async () => {
    const thought: Entry = [2, { type: 'reasoning.delta', data: { text: 'four' } }];
    const { usage } = await reckon([...first, restarted(2), delta(2, 'one two'), thought, delta(2, ' three')]);
    expect(usage).toMatchObject({ outputTokens: 4, cachedTokens: 0, source: 'estimated', priceTableVersion });
    expect(usage.inputTokens).toBeGreaterThan(100 + 3 * 4); // the turn, and the overhead of three messages
    expect(usage.costMicroUsd).toBe(BigInt(Math.ceil(usage.inputTokens * 2.5 + 4 * 10)));
  });

  it('excludes the text of the next attempt', async () => {
    const next = [restarted(3), delta(3, 'said again, and more of it')];
    const { usage } = await reckon([...first, restarted(2), delta(2, 'one two three'), ...next]);
    expect(usage).toMatchObject({ outputTokens: 3 });
  });

  it('is only the context if the log is lost or Redis is away', async () => {
    for (const log of [[], [restarted(3), delta(3, 'said again')], new Error('away')]) {
      const { usage } = await reckon(log);
      expect(usage).toMatchObject({ outputTokens: 0 });
      expect(usage.inputTokens).toBeGreaterThan(100);
    }
  });

  it('is empty if the attempt did not call its provider', async () => {
    expect(await reckon(first)).toMatchObject({ usage: undefined, statements: 0 });
  });

  it('stays unknown if the estimate fails, and the failure is logged', async () => {
    const error = new Error('no database');
    const { usage, warn } = await reckon([restarted(2)], error);
    expect(usage).toBeUndefined();
    expect(warn).toHaveBeenCalledWith({ error, invocationId: 'i', attempt: 2 }, expect.any(String));
  });
});
