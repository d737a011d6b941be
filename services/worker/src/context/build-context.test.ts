import type { Turn } from '@nexus/common/invocations/invocation-context';
import { describe, expect, it } from 'vitest';
import { buildContext } from './build-context.ts';
import { countTokens } from './count-tokens.ts';

const settings = {
  provider: 'echo',
  model: 'echo',
  systemPrompt: '',
  temperature: null,
  topP: null,
  maxOutputTokens: null,
  contextTokens: 100,
  firstTokenTimeoutMs: 1,
  idleTimeoutMs: 1,
  totalTimeoutMs: 1,
  onWorkerLoss: 'restart' as const,
};
/** One token a character. */
const perCharacter = (text: string) => text.length;

/** Newest turn first, its answer before its question, as the claim gives them. */
function historyOf(...turns: [question: string, answer: string | null][]): Turn[] {
  return turns.flatMap(([question, answer], index) => {
    const turn = turns.length - index;
    const asked: Turn = { role: 'user', content: question, tokenCount: null, turn };
    return answer === null ? [asked] : [{ role: 'assistant' as const, content: answer, tokenCount: null, turn }, asked];
  });
}

describe('buildContext', () => {
  it('puts the history before the input, oldest first', () => {
    const { messages } = buildContext(
      { settings, input: 'now', history: historyOf(['second', 'two'], ['first', 'one']) },
      perCharacter,
    );
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'first'],
      ['assistant', 'one'],
      ['user', 'second'],
      ['assistant', 'two'],
      ['user', 'now'],
    ]);
  });

  it('drops the oldest turns first, and a turn whole or not at all', () => {
    const turn = (letter: string): [string, string] => [letter.repeat(20), letter.repeat(20)];
    const { messages, contextTokens } = buildContext(
      { settings, input: 'x', history: historyOf(turn('c'), turn('b'), turn('a')) },
      perCharacter,
    );
    expect(messages.map(({ content }) => content[0])).toEqual(['c', 'c', 'x']);
    expect(contextTokens).toBeLessThanOrEqual(100);
  });

  it('keeps nothing older than the first turn that does not fit, though it would fit itself', () => {
    const { messages } = buildContext(
      { settings, input: 'x', history: historyOf(['b'.repeat(200), 'b'], ['a', 'a']) },
      perCharacter,
    );
    expect(messages).toHaveLength(1);
  });

  it('always keeps the input, however long it is', () => {
    const { messages } = buildContext(
      { settings, input: 'x'.repeat(500), history: historyOf(['a', 'a']) },
      perCharacter,
    );
    expect(messages).toEqual([{ role: 'user', content: 'x'.repeat(500) }]);
  });

  it('counts the system prompt, and takes stored counts where there are any', () => {
    const history: Turn[] = [{ role: 'user', content: 'long '.repeat(100), tokenCount: 5, turn: 1 }];
    const { messages, contextTokens } = buildContext(
      { settings: { ...settings, systemPrompt: 'abcde' }, input: 'x', history },
      perCharacter,
    );
    expect(messages).toHaveLength(2);
    expect(contextTokens).toBe(5 + 1 + 5 + 3 * 4);
  });

  it('keeps a question that was never answered', () => {
    const { messages } = buildContext({ settings, input: 'x', history: historyOf(['unanswered', null]) }, perCharacter);
    expect(messages.map(({ content }) => content)).toEqual(['unanswered', 'x']);
  });
});

describe('countTokens', () => {
  it('counts as cl100k_base does, special tokens as plain text', () => {
    expect(countTokens('hello world')).toBe(2);
    expect(countTokens('<|endoftext|>')).toBeGreaterThan(1);
    expect(countTokens('')).toBe(0);
  });
});
