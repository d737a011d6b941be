import { randomUUIDv7 } from 'node:crypto';

/** The id of every row that we write. It sorts by the millisecond of its making; those of one millisecond stand in any order. */
export function newId(): string {
  return randomUUIDv7();
}
