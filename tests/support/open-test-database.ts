import { inject } from 'vitest';
import { createTestDatabase, type TestDatabase } from './create-test-database.ts';

export type { TestDatabase };

/** A new database on the run's server: migrated and seeded, or empty. */
export function openTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  return createTestDatabase(inject('postgresUrl'), options);
}
