import { type FieldReader, type Fields, isObject } from './read-fields.ts';

export type ContentKind = 'text' | 'reasoning' | 'refusal';
export type TellContent = (kind: ContentKind, text: string) => void;

/** For each type of part: the field with its text, and the kind of that text. null: the part has no text. */
const partTypes = new Map<string, { kind: ContentKind; words(part: Fields): unknown } | null>([
  ['text', { kind: 'text', words: ({ text }) => text }],
  ['output_text', { kind: 'text', words: ({ text }) => text }],
  ['thinking', { kind: 'reasoning', words: ({ thinking }) => thinking }],
  ['reasoning', { kind: 'reasoning', words: ({ reasoning, text }) => reasoning ?? text }],
  ['refusal', { kind: 'refusal', words: ({ refusal }) => refusal }],
  ['redacted_thinking', null],
  ['reference', null], // Mistral: which of its sources the text is taken from
]);

/**
 * Passes on the text of a message's content in every known shape: text, or a list of texts and parts. Mistral sends reasoning as a part that
 * holds a list of parts. Skips empty text.
 */
export function tellContent(
  read: FieldReader,
  value: unknown,
  field: string,
  tell: TellContent,
  kind: ContentKind = 'text',
): void {
  if (typeof value === 'string') {
    if (value !== '') tell(kind, value);
  } else if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) tellPart(read, part, `${field}[${index}]`, tell, kind);
  } else if (value !== undefined && value !== null) {
    throw read.refuse(value, field, 'text or an array of parts');
  }
}

function tellPart(read: FieldReader, part: unknown, field: string, tell: TellContent, kind: ContentKind): void {
  if (!isObject(part)) {
    if (typeof part !== 'string') throw read.refuse(part, field, 'text or a part');
    tellContent(read, part, field, tell, kind);
    return;
  }
  const type = read.text(part.type, `${field}.type`) || 'text';
  const found = partTypes.get(type);
  if (found === undefined) throw read.refuse(part, field, 'a part that holds text');
  // Every part inside a reasoning part is reasoning.
  if (found) tellContent(read, found.words(part), `${field}.${type}`, tell, kind === 'text' ? found.kind : kind);
}
