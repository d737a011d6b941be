import { openTestDatabase } from './open-test-database.ts';
import { type Stack, type StackOptions, startStack } from './start-stack.ts';

export type { Stack };

/** API, gateways and workers as processes on a database and a Redis of their own. */
export async function openStack(options: StackOptions = {}): Promise<Stack> {
  return startStack(await openTestDatabase(), options);
}
