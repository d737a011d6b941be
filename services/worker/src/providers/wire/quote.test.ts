import { describe, expect, it } from 'vitest';
import { quote } from './quote.ts';

describe('quote', () => {
  it.each([
    'sk-proj-abcdEFGH1234',
    'sk-ant-api03-abcdEFGH1234_-x',
    'sk-or-v1-0123456789abcdef',
    'gsk_abcdEFGH1234abcd',
    'xai-abcdEFGH1234abcd',
    'hf_abcdEFGH1234abcd',
    'nvapi-abcdEFGH1234abcd',
    'AIzaSyAbcdefgh1234',
    'eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl',
    'abcdef**********wxyz',
  ])('leaves out %s', (key) => {
    expect(quote(`Incorrect API key provided: ${key}.`)).toMatch(/^Incorrect API key provided: \[key\]\.?$/);
  });

  it('leaves out a token after the word Bearer, and the given secrets', () => {
    expect(quote('Bearer 0123456789abcdefXYZ= or my+own.key', ['my+own.key'])).toBe('Bearer [key] or [key]');
  });

  it.each([
    'the sk-8 model',
    'Bearer authentication is needed',
    'task-based routing',
    'o4-mini-2025-04-16',
    'key_id 7',
  ])('keeps %s', (words) => {
    expect(quote(words)).toBe(words);
  });

  it('keeps to one line of 300 characters, whole ones', () => {
    expect(quote('a\n b\0\tc ')).toBe('a b c');
    const long = quote(`${'x'.repeat(299)}🦙🦙`);
    expect(long).toBe(`${'x'.repeat(299)}…`);
    expect(quote('y'.repeat(1_000))).toHaveLength(301);
  });
});
