import type { FieldError } from '@nexus/protocol/field-error';
import type { z } from 'zod';

const maxUnknown = 20;
const maxNameLength = 100;

/** Lists the wrong fields of an input: the path of each, or `whole` for the input itself, and what was expected. */
export function toFieldErrors(error: z.ZodError, input: unknown, whole: string): FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys')
      return issue.keys
        .slice(0, maxUnknown)
        .map((key) => ({ field: [...path, key.slice(0, maxNameLength)].join('.'), message: 'is not a known field' }));
    return [{ field: path.join('.') || whole, message: toMessage(issue, valueAt(input, path)) }];
  });
}

function toMessage(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_type' && value === undefined) return 'is required';
  if (issue.code === 'invalid_key') return `its name: ${issue.issues[0]?.message ?? 'is not allowed'}`;
  return withoutPreamble(issue.message);
}

/** zod's message without its first words: only what was expected. */
export function withoutPreamble(message: string): string {
  return message
    .replace(/^(Invalid input|Invalid option|Too big|Too small): /, '')
    .replace(/, received (NaN|number)$/, '');
}

function valueAt(input: unknown, path: string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    input,
  );
}
