import { openTestDatabase } from './open-test-database.ts';
import { type Stack, type StackOptions, startStack } from './start-stack.ts';

export type { Stack };

/** Starts API, gateways and workers as processes, with their own database and Redis. */
export async function openStack(options: StackOptions = {}): Promise<Stack> {
  return startStack(await openTestDatabase(), options);
}
