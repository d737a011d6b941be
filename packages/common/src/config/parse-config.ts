import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { withoutPreamble } from '../errors/to-field-errors.ts';

type Environment = Record<string, string | undefined>;

/**
 * The environment through a service's schema. An empty variable counts as unset; NAME_FILE names a file that holds NAME's value.
 * Throws one `configuration_invalid` that lists every bad variable and what was expected, never a value.
 */
export function parseConfig<S extends z.ZodObject>(schema: S, environment: Environment): z.infer<S> {
  const problems: string[] = [];
  const values: Environment = {};
  for (const name of Object.keys(schema.shape)) {
    try {
      values[name] = readVariable(environment, name);
    } catch {
      problems.push(`${name}_FILE: names a file that cannot be read`);
    }
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) problems.push(`${issue.path.join('.')}: ${withoutValue(issue)}`);
  if (problems.length > 0 || !parsed.success) {
    throw new AppError(
      'configuration_invalid',
      `Bad configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  return parsed.data;
}

/** The variable, or what the file holds that NAME_FILE names; undefined where both are unset or empty. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const direct = environment[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = environment[`${name}_FILE`];
  return file === undefined || file === '' ? undefined : readFileSync(file, 'utf8').trim() || undefined;
}

/** zod's own messages name what was expected, never the input, except for a received type of "undefined". */
function withoutValue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && /undefined/.test(issue.message)) return 'is missing';
  return withoutPreamble(issue.message);
}
