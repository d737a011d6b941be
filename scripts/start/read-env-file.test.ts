import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readEnvFile } from './read-env-file.ts';

const read = (text: string) => readEnvFile(Buffer.from(text));
const valuesAre = { values: { A: '1', B: 'two' }, problems: [], doubled: [] };

describe('.env', () => {
  it.each([
    ['plain', Buffer.from('A=1\nB=two\n')],
    ['with a byte-order mark', Buffer.from('\uFEFFA=1\nB=two\n')],
    ['with the line ends of Windows', Buffer.from('A=1\r\nB=two\r\n')],
    ['with those of an old Mac', Buffer.from('A=1\rB=two')],
    ['in UTF-16, as PowerShell writes it', Buffer.from('\uFEFFA=1\r\nB=two\r\n', 'utf16le')],
    ['in UTF-16, the other way round', Buffer.from('\uFEFFA=1\nB=two\n', 'utf16le').swap16()],
    ['as a shell would read it', Buffer.from('# both\n export A=1 # one\nB="two"\n\n')],
    ['with blanks', Buffer.from('A = 1\n  B=  two  \n')],
  ])('is taken %s', (_how, bytes) => {
    expect(readEnvFile(bytes)).toEqual(valuesAre);
  });

  it('takes a quoted value over several lines', () => {
    expect(read('A="one\ntwo # not a comment\n"\nB=2\n')).toEqual({
      values: { A: 'one\ntwo # not a comment\n', B: '2' },
      problems: [],
      doubled: [],
    });
  });

  it.each([
    ['OPENAI_API_KEY secret', '.env, line 1: expected NAME=value'],
    ['A=1\nB: secret', '.env, line 2: expected NAME=value'],
    ['A=1\nPASSWORD=secret#word', '.env, line 2, PASSWORD: # begins a comment'],
    ['KEY="secret\nB=2', '.env, line 1, KEY: expected the quote that ends'],
    ["KEY='secret'word'", '.env, line 1, KEY: expected nothing behind the quote'],
  ])('names the line that would be read otherwise than it was meant: %s', (text, problem) => {
    const { problems } = read(text);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toMatch(/secret|word'/);
  });

  it('names what is set twice', () => {
    expect(read('A=1\nB=2\nA=3\nA=4\n')).toMatchObject({ values: { A: '4' }, doubled: ['A'] });
  });

  it('takes .env.example as it is', () => {
    const example = readEnvFile(readFileSync(new URL('../../.env.example', import.meta.url)));
    expect(example).toMatchObject({ problems: [], doubled: [] });
  });
});
