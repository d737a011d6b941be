import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toFieldErrors } from './to-field-errors.ts';

const schema = z.strictObject({
  id: z.uuid('expected a UUID'),
  limit: z.coerce.number().max(100).optional(),
  cursors: z.record(z.uuid('expected a UUID'), z.number()).optional(),
});
const id = '00000000-0000-7000-8000-000000000001';

describe('field errors', () => {
  it.each([
    ['a field that is missing', {}, 'id', 'is required'],
    ['one that does not fit', { id: 'x' }, 'id', 'expected a UUID'],
    ['one of the wrong type', { id: 7 }, 'id', 'expected a UUID'],
    ['a number that is none', { id, limit: 'x' }, 'limit', 'expected number'],
    ['a number that is too large', { id, limit: 101 }, 'limit', 'expected number to be <=100'],
    ['a key that does not fit', { id, cursors: { x: 1 } }, 'cursors.x', 'its name: expected a UUID'],
    ['a value in a record', { id, cursors: { [id]: 'y' } }, `cursors.${id}`, 'expected number, received string'],
    ['a field that nobody knows', { id, more: 1 }, 'more', 'is not a known field'],
    ['no object at all', [], 'body', 'expected object, received array'],
  ])('name %s and what was expected', (_what, input, field, message) => {
    const { error } = schema.safeParse(input);
    if (!error) throw new Error('it fits');
    expect(toFieldErrors(error, input, 'body')).toContainEqual({ field, message });
  });
});
