import { AppError } from '@nexus/common/errors/app-error';
import { toFieldErrors } from '@nexus/common/errors/to-field-errors';
import { z } from 'zod';

/** What a client sent through its schema; `invalid_request` names every field that does not fit and what was expected. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  where: 'body' | 'query' | 'path' | 'headers' = 'body',
): z.infer<S> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const fields = toFieldErrors(result.error, input ?? {}, 'body');
  const tooLong = result.error.issues.some((issue) => issue.code === 'too_big' && issue.path[0] === 'message');
  const named = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new AppError(tooLong ? 'payload_too_large' : 'invalid_request', `In the ${where}: ${named}`, { fields });
}

/** Text that Postgres can hold and JSON can carry: no NUL, no half of a surrogate pair. */
export const text = (longest: number) =>
  z
    .string()
    .max(longest, `expected at most ${longest} characters`)
    .refine((value) => !value.includes('\0'), 'must not contain the NUL character')
    .refine((value) => value.isWellFormed(), 'must not contain half a surrogate pair');

/** In lower case, as Postgres writes it: ids are parts of Redis keys. */
export const id = () => z.uuid('expected a UUID').toLowerCase();

/** The customer's own name for something: opaque to us. */
export const customerName = (what: string) => text(200).min(1, 'must not be empty').describe(`Your name for ${what}`);

export const idPath = z.object({ id: id() });
