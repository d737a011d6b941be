const secretNames = new Set([
  'authorization',
  'cookie',
  'apiKey',
  'token',
  'password',
  'content',
  'text',
  'prompt',
  'body',
]);
const mostLevels = 3;

/**
 * The same object where none of its fields, down to the third level, has a name that speaks of a secret, a prompt or an answer; else a
 * copy in which those say `[redacted]`. Errors are left to their serializer. (pino's own redaction copies every line.)
 */
export function redact<T extends object>(fields: T): T {
  return withoutSecrets(fields, 1) as T;
}

function withoutSecrets(value: object, level: number): object {
  let copy: Record<string, unknown> | unknown[] | undefined;
  for (const [name, field] of Object.entries(value)) {
    const shown = secretNames.has(name) ? '[redacted]' : shownField(field, level);
    if (shown === field) continue;
    copy ??= Array.isArray(value) ? [...value] : { ...value };
    (copy as Record<string, unknown>)[name] = shown;
  }
  return copy ?? value;
}

function shownField(field: unknown, level: number): unknown {
  if (typeof field !== 'object' || field === null || field instanceof Error || level === mostLevels) return field;
  return withoutSecrets(field, level + 1);
}
