import { parseEnv } from 'node:util';

export type EnvFile = {
  values: Record<string, string>;
  /** Lines that Node would read in another way than the author meant. Names, never values. */
  problems: string[];
  /** Names that are set more than once. The last value counts. */
  doubled: string[];
};

/** Reads `.env` as Node does, from any editor: also with a byte-order mark, in UTF-16, or with Windows line ends. */
export function readEnvFile(bytes: Uint8Array): EnvFile {
  const text = decode(bytes).replaceAll(/\r\n?/g, '\n');
  const names: string[] = [];
  const problems: string[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value] = /^\s*(?:export )?\s*([\w.-]+)\s*=\s*(.*)$/s.exec(line) ?? [];
    const report = (expected: string) =>
      problems.push(`.env, line ${index + 1}${name === undefined ? '' : `, ${name}`}: ${expected}`);
    if (name === undefined || value === undefined) {
      report('expected NAME=value, or # before a comment');
      continue;
    }
    names.push(name);
    const rest = lines.slice(index + 1);
    const end = endOfQuoted([value, ...rest].join('\n'));
    if (end === null) {
      if (/[^\s]#/.test(value)) report('# begins a comment: expected quotes around a value that has one');
      if (/^["'`]/.test(value)) report('expected the quote that ends the value');
      continue;
    }
    if (!/^\s*(#.*)?$/.test(end.behind)) report('expected nothing behind the quote that ends the value');
    index += end.lines;
  }
  return { values: parseEnv(text) as Record<string, string>, problems, doubled: doublesOf(names) };
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes); // drops the byte-order mark
}

/** For text that begins with a quoted value: how many more lines it has, and the text behind it in its last line. null if it is not quoted. */
function endOfQuoted(text: string): { lines: number; behind: string } | null {
  const [, , inside, behind = ''] = /^(["'`])(.*?)\1([^\n]*)/s.exec(text) ?? [];
  return inside === undefined ? null : { lines: inside.split('\n').length - 1, behind };
}

function doublesOf(names: string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
