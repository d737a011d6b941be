import { randomBytes } from 'node:crypto';

/** What must not spread: a secret at all, and what was said beyond the places that are for it. */
export type MarkKind = 'secret' | 'prompt' | 'answer';

export type Mark = {
  kind: MarkKind;
  /** What it stands for, as a failure names it: a failing test must not spread it either. */
  name: string;
  text: string;
};

export type Marks = {
  /** A new text of this kind that occurs nowhere else. */
  make(kind: MarkKind, name: string): string;
  /** A secret that the system made. */
  note(name: string, text: string): string;
  /** The marks of this kind that the text holds, as they are or encoded. */
  foundIn(text: string, kind: MarkKind): string[];
};

export function createMarks(): Marks {
  const marks: (Mark & { forms: string[] })[] = [];
  function add(mark: Mark): string {
    marks.push({ ...mark, forms: formsOf(mark) });
    return mark.text;
  }
  return {
    make: (kind, name) => add({ kind, name, text: `canary-${kind}-${randomBytes(12).toString('hex')}` }),
    note: (name, text) => add({ kind: 'secret', name, text }),
    foundIn: (text, kind) =>
      marks
        .filter((mark) => mark.kind === kind && mark.forms.some((form) => text.includes(form)))
        .map(({ name }) => name),
  };
}

/** Three offsets, because Base64 of a text depends on what stands before it; without the characters at its edges that depend on neighbours. */
function formsOf({ kind, text }: Mark): string[] {
  if (kind !== 'secret') return [text];
  const inBase64 = [0, 1, 2].map((offset) =>
    Buffer.from(`${' '.repeat(offset)}${text}`)
      .toString('base64')
      .replaceAll('=', '')
      .slice(4, -4),
  );
  const hex = Buffer.from(text).toString('hex');
  return [text, encodeURIComponent(text), hex, ...inBase64, ...inBase64.map(toBase64Url)];
}

function toBase64Url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_');
}
