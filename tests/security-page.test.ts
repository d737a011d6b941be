import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allRows } from './chaos/all-rows.ts';

const root = new URL('../', import.meta.url);
const page = readFileSync(new URL('docs/security.md', root), 'utf8');
const named = [...page.matchAll(/^- `([^`]+\.ts)`: (.+)$/gm)].map(([, file = '', name = '']) => ({ file, name }));

/** The names of the tests of a file, as they are written; a row of the chaos suite has a title. */
function namesIn(file: string): string[] {
  const source = readFileSync(new URL(file, root), 'utf8');
  const titles = file.startsWith('tests/chaos/') ? allRows.map(({ title }) => title) : [];
  const strings = [...source.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1\s*,\s*(?:async\s*)?\(?/g)].map(
    ([, , text = '']) => text,
  );
  return [...titles.filter((title) => source.includes(title)), ...strings];
}

describe('docs/security.md', () => {
  it.each(named)('names a test that exists: $file: $name', ({ file, name }) => {
    expect(existsSync(new URL(file, root))).toBe(true);
    expect(namesIn(file)).toContain(name);
  });

  it.each([
    ['OWASP API Security Top 10 (2023)', 'API', 10],
    ['OWASP Top 10 for LLM applications (2025)', 'LLM', 10],
  ])('goes through %s line by line', (heading, prefix, count) => {
    const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    const numbers = [...section.matchAll(new RegExp(`^### ${prefix}(\\d+) `, 'gm'))].map(([, number]) =>
      Number(number),
    );
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('names a test for every line, but for those about what is not there', () => {
    const without = page
      .split(/^### /m)
      .slice(1)
      .filter((section) => !/^Shown by:$/m.test(section.split('\n## ')[0] ?? ''));
    expect(without.map((section) => section.split('\n')[0])).toEqual([
      'LLM06 Excessive agency',
      'LLM08 Vector and embedding weaknesses',
    ]);
  });
});
