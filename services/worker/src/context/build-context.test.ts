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

  it('drops the oldest turns first, and only whole turns', () => {
    const turn = (letter: string): [string, string] => [letter.repeat(20), letter.repeat(20)];
    const { messages, contextTokens } = buildContext(
      { settings, input: 'x', history: historyOf(turn('c'), turn('b'), turn('a')) },
      perCharacter,
    );
    expect(messages.map(({ content }) => content[0])).toEqual(['c', 'c', 'x']);
    expect(contextTokens).toBeLessThanOrEqual(100);
  });

  it('drops every turn before the first one that does not fit, also one that would fit itself', () => {
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

  it('counts the system prompt, and uses stored counts', () => {
    const history: Turn[] = [{ role: 'user', content: 'long '.repeat(100), tokenCount: 5, turn: 1 }];
    const { messages, contextTokens } = buildContext(
      { settings: { ...settings, systemPrompt: 'abcde' }, input: 'x', history },
      perCharacter,
    );
    expect(messages).toHaveLength(1);
    expect(contextTokens).toBe(5 + 1 + 5 + '\n\n'.length + 2 * 4);
  });

  const shownOf = (input: string, ...turns: Parameters<typeof historyOf>) =>
    buildContext({ settings, input, history: historyOf(...turns) }, perCharacter).messages.map(
      ({ role, content }) => `${role}: ${content}`,
    );

  it.each([
    ['the last question', [['unanswered', null]], ['user: unanswered\n\nx']],
    [
      'several questions',
      [
        ['c', null],
        ['b', null],
        ['a', null],
      ],
      ['user: a\n\nb\n\nc\n\nx'],
    ],
    [
      'questions amid answered ones',
      [
        ['c', 'C'],
        ['b', null],
        ['a', 'A'],
      ],
      ['user: a', 'assistant: A', 'user: b\n\nc', 'assistant: C', 'user: x'],
    ],
    [
      'the oldest question',
      [
        ['b', 'B'],
        ['a', null],
      ],
      ['user: a\n\nb', 'assistant: B', 'user: x'],
    ],
    ['an answer without a word', [['a', '']], ['user: a\n\nx']],
    [
      'an answer of white space',
      [
        ['b', ' \n\t'],
        ['a', 'A'],
      ],
      ['user: a', 'assistant: A', 'user: b\n\nx'],
    ],
  ] as [string, Parameters<typeof historyOf>, string[]][])(
    'joins neighbours of one role, where it lacks the answer to: %s',
    (_what, turns, shown) => {
      expect(shownOf('x', ...turns)).toEqual(shown);
    },
  );

  it('begins with the user, alternates and ends with the input, for all missing answers and budgets', () => {
    for (let lacking = 0; lacking < 2 ** 6; lacking += 1) {
      const turns = Array.from({ length: 6 }, (_, turn): [string, string | null] => [
        `question ${turn}`,
        (lacking >> turn) % 2 === 1 ? ([null, '', ' '][turn % 3] ?? null) : `answer ${turn}`,
      ]);
      for (let contextTokens = 0; contextTokens < 200; contextTokens += 7) {
        const { messages, contextTokens: counted } = buildContext(
          { settings: { ...settings, contextTokens }, input: 'now', history: historyOf(...turns) },
          perCharacter,
        );
        expect(messages.map(({ role }) => role)).toEqual(
          messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
        );
        expect(messages.at(-1)).toMatchObject({ role: 'user', content: expect.stringMatching(/now$/) });
        expect(counted).toBe(messages.reduce((sum, { content }) => sum + content.length + 4, 0));
        expect(counted).toBeLessThanOrEqual(Math.max(contextTokens, 'now'.length + 4));
      }
    }
  });

  it('drops an answer without its question', () => {
    const answer: Turn = { role: 'assistant', content: 'A', tokenCount: null, turn: 1 };
    expect(buildContext({ settings, input: 'x', history: [answer] }, perCharacter)).toMatchObject({
      messages: [{ role: 'user', content: 'x' }],
      contextTokens: 1 + 4,
    });
  });

  it('drops a system prompt without text', () => {
    const systemPrompt = ' \n';
    const context = buildContext({ settings: { ...settings, systemPrompt }, input: 'x', history: [] }, perCharacter);
    expect(context).toMatchObject({ systemPrompt: '', contextTokens: 1 + 4 });
  });

  it('does not change the history', () => {
    const history = historyOf(['b', null], ['a', null]);
    const before = structuredClone(history);
    buildContext({ settings, input: 'x', history }, perCharacter);
    expect(history).toEqual(before);
  });
});

describe('countTokens', () => {
  it('counts as cl100k_base does, special tokens as plain text', () => {
    expect(countTokens('hello world')).toBe(2);
    expect(countTokens('<|endoftext|>')).toBeGreaterThan(1);
    expect(countTokens('')).toBe(0);
  });
});
