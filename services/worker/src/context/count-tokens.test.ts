import { countTokens as exactly } from 'gpt-tokenizer/encoding/cl100k_base';
import { describe, expect, it } from 'vitest';
import { countTokens } from './count-tokens.ts';

describe('counting tokens', () => {
  it.each([
    'Hello, world! This answer went through API, queue, worker, pub/sub and socket.',
    '  two spaces,\n\n\tand\r\nlines  \n',
    'https://example.com/a/rather/long/address?with=query&and=more#fragment',
    'ü🦙 日本語のテキスト',
    '',
  ])('is exact for what people write: %j', (text) => {
    expect(countTokens(text)).toBe(exactly(text));
  });

  it('counts special tokens as plain text', () => {
    expect(countTokens('<|endoftext|>')).toBeGreaterThan(1);
  });

  it('is nearly exact for text without spaces', () => {
    const text = 'これは改行も空白もない長い日本語の文章です'.repeat(200);
    expect(Math.abs(countTokens(text) / exactly(text) - 1)).toBeLessThan(0.05);
  });

  it.each(['x', '!', ' ', '\n', '7', '日'])(
    'takes no longer for one endless word of %j than for as many words',
    (letter) => {
      const milliseconds = (text: string) => {
        const from = performance.now();
        countTokens(text);
        return performance.now() - from;
      };
      const endless = letter.repeat(100_000);
      const words = 'seven '.repeat(16_667);
      milliseconds(words);
      expect(milliseconds(endless)).toBeLessThan(20 * milliseconds(words) + 100);
    },
  );
});
