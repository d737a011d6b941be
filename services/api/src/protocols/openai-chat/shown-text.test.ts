import { expect, it } from 'vitest';
import { ShownText } from './shown-text.ts';

function shown(...texts: string[]): ShownText {
  const text = new ShownText();
  for (const each of texts) text.add(each);
  return text;
}

it('passes on what is added', () => {
  const text = new ShownText();
  expect(['Hel', 'lo'].map((part) => text.add(part))).toEqual(['Hel', 'lo']);
  expect(text.isAhead).toBe(false);
});

it('leaves out what an answer repeats that starts again, and passes on what comes after it', () => {
  const text = shown('Hello ', 'wor');
  text.restart();
  expect(['Hell', 'o world', '!'].map((part) => text.add(part))).toEqual(['', 'ld', '!']);
  expect(text.isAhead).toBe(false);
});

it('is ahead of an answer that has not repeated all of it', () => {
  const text = shown('Hello');
  text.restart();
  text.add('Hell');
  expect(text.isAhead).toBe(true);
});

it('says so as soon as the answer becomes another', () => {
  const text = shown('Hello');
  text.restart();
  expect(['He', 'y'].map((part) => text.add(part))).toEqual(['', null]);
  expect(text.isAhead).toBe(true);
});

it('begins anew where nothing was shown', () => {
  const text = new ShownText();
  text.restart();
  expect(text.add('Hi')).toBe('Hi');
  expect(text.isAhead).toBe(false);
});

it('takes a whole text for what was shown and more', () => {
  const text = shown('Hello');
  expect(text.replace('Hello you')).toBe(' you');
  expect(text.replace('Hello')).toBe('');
  expect(text.isAhead).toBe(true);
  expect(text.replace('Bye')).toBeNull();
});
