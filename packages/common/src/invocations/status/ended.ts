import type { FinishedStatus } from '@nexus/protocol/invocation-status';
import { Prisma } from '../../postgres/open-database.ts';
import type { ProviderName } from '../../queue/provider-name.ts';

/** How long an ended invocation took, by the database's clock: to its end, to its first part, and from the cancel request to the end. */
export type InvocationTimings = {
  provider: ProviderName;
  durationMs: number;
  /** null when no part came. */
  firstPartMs: number | null;
  /** null if there was no cancel request. */
  cancelMs: number | null;
};

/** How an invocation ended, as written. A cancel that was committed earlier wins over any other ending. */
export type Ended = InvocationTimings & {
  status: FinishedStatus;
  messageId: string | null;
  /** Whether another invocation stands in the conversation's line. */
  hasNext: boolean;
};

export const timingsOf = (row: 'done' | 'i' | 'changed') =>
  Prisma.raw(`${row}.provider,
  (extract(epoch FROM ${row}.finished_at - ${row}.created_at) * 1000)::float8 AS "durationMs",
  (extract(epoch FROM ${row}.first_token_at - ${row}.created_at) * 1000)::float8 AS "firstPartMs",
  (extract(epoch FROM ${row}.finished_at - ${row}.cancel_requested_at) * 1000)::float8 AS "cancelMs"`);
