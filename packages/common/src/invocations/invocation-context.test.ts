import { expect, it } from 'vitest';
import { type ContextMessage, joinSystemText, toHistory } from './invocation-context.ts';

const said = (role: ContextMessage['role'], content: string) => ({ role, content });

it('takes messages for turns, newest first, each of which begins with what a user said', () => {
  const messages = [
    said('assistant', 'Hi'),
    said('user', '1'),
    said('assistant', 'one'),
    said('user', '2'),
    said('user', '3'),
  ];
  expect(toHistory(messages).map(({ content, turn }) => [content, turn])).toEqual([
    ['3', 3],
    ['2', 2],
    ['one', 1],
    ['1', 1],
    ['Hi', 0],
  ]);
});

it('joins the system texts that say something', () => {
  expect(joinSystemText('', 'Be brief.', 'Be kind.')).toBe('Be brief.\n\nBe kind.');
  expect(joinSystemText('', '')).toBe('');
});
