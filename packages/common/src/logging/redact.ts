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
const maxLevels = 3;

/**
 * Returns a copy in which fields named like a secret, a prompt or an answer are `[redacted]`, down to the third level. Returns the same object if
 * there are none: pino's own redaction copies every line. Errors have their own serializer.
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
  if (typeof field !== 'object' || field === null || field instanceof Error || level === maxLevels) return field;
  return withoutSecrets(field, level + 1);
}
