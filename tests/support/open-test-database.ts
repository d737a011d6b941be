import { inject } from 'vitest';
import { createTestDatabase, type TestDatabase } from './create-test-database.ts';

export type { TestDatabase };

/** A database of one's own on the run's server, migrated and seeded unless it is to be empty. */
export function openTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  return createTestDatabase(inject('postgresUrl'), options);
}
