import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('redact', () => {
  it('leaves a line alone that has nothing to hide', () => {
    const line = { requestId: 'r', status: 202, error: new Error('away') };
    expect(redact(line)).toBe(line);
  });

  it.each(['authorization', 'cookie', 'apiKey', 'token', 'password', 'content', 'text', 'prompt', 'body'])(
    'hides %s, down to the third level, and changes nothing that it was given',
    (name) => {
      const line = { id: 1, [name]: 'secret', a: { [name]: 'secret', b: [{ id: 2 }], c: { [name]: 'secret' } } };
      const shown = JSON.stringify(redact(line));
      expect(shown).not.toContain('secret');
      expect(shown).toContain('"b":[{"id":2}]');
      expect(line.a.c).toEqual({ [name]: 'secret' });
    },
  );
});
