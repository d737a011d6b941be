import { Prisma } from '../../postgres/open-database.ts';
import type { ProviderName } from '../../queue/provider-name.ts';
import type { Outcome } from './outcome.ts';

/** How an ended invocation went, by the database's clock: from the request to its end, to its first part, and from the wish to cancel. */
export type Course = {
  provider: ProviderName;
  durationMs: number;
  /** null when nothing was said. */
  firstPartMs: number | null;
  /** null when nobody wanted to cancel it. */
  cancelMs: number | null;
};

/** What became of it: a cancel that was asked for in time wins over any other ending. */
export type Finished = Course & { status: Outcome['status']; messageId: string | null; waiting: boolean };

export const courseOf = (row: 'done' | 'i' | 'changed') =>
  Prisma.raw(`${row}.provider,
  (extract(epoch FROM ${row}.finished_at - ${row}.created_at) * 1000)::float8 AS "durationMs",
  (extract(epoch FROM ${row}.first_token_at - ${row}.created_at) * 1000)::float8 AS "firstPartMs",
  (extract(epoch FROM ${row}.finished_at - ${row}.cancel_requested_at) * 1000)::float8 AS "cancelMs"`);
