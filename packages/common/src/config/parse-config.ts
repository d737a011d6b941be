import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { withoutPreamble } from '../errors/to-field-errors.ts';

type Environment = Record<string, string | undefined>;

/**
 * Parses the environment with a service's schema. An empty or blank variable counts as unset. NAME_FILE is the path of a file with the value of NAME.
 * Throws one `configuration_invalid` that lists every bad variable and what was expected, never a value.
 */
export function parseConfig<S extends z.ZodObject>(schema: S, environment: Environment): z.infer<S> {
  const problems: string[] = [];
  const reported = new Set<string>();
  const values: Environment = {};
  for (const name of Object.keys(schema.shape)) {
    try {
      values[name] = readVariable(environment, name);
    } catch {
      problems.push(`${name}_FILE: the file cannot be read`);
      continue;
    }
    if (hasControlCharacter(values[name])) {
      problems.push(`${name}: expected text in one line, without control characters and in UTF-8`);
      values[name] = undefined;
      reported.add(name);
    }
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.join('.');
    if (!reported.has(name)) problems.push(`${name}: ${withoutValue(issue)}`);
    reported.add(name);
  }
  if (problems.length > 0 || !parsed.success) {
    throw new AppError(
      'configuration_invalid',
      `Bad configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  return parsed.data;
}

/** The variable, or the text of the file at NAME_FILE, trimmed. undefined if both are unset or empty. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const direct = trim(environment[name], name);
  if (direct !== '') return direct;
  const file = trim(environment[`${name}_FILE`], '');
  return file === '' ? undefined : trim(readFileSync(file, 'utf8'), name) || undefined;
}

/** A password may begin and end with spaces. Postgres and Redis read the same file and drop only its line end. */
function trim(text: string | undefined, name: string): string {
  return (name.endsWith('_PASSWORD') ? text?.replace(/^\uFEFF|[\r\n]+$/g, '') : text?.trim()) ?? '';
}

/** U+FFFD stands for bytes that are not UTF-8. */
function hasControlCharacter(text: string | undefined): boolean {
  return text !== undefined && /[\p{Cc}\u2028\u2029\uFFFD]/u.test(text);
}

/** zod's messages name what was expected and never the input, except "undefined" as a received type. */
function withoutValue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && /undefined/.test(issue.message)) return 'is missing';
  return withoutPreamble(issue.message);
}
