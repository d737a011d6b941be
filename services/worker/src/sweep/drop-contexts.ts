import { standardLogExpiry } from '@nexus/common/events/append-events';
import type { Queryable } from '@nexus/common/postgres/queryable';

/** Bounds one step: it holds up nobody who waits for the same rows, and the next one finds what is left over. */
export const contextsPerStep = 200;

/**
 * Deletes what requests brought along, and the messages of their ephemeral conversations, of invocations whose log is gone by now: nobody
 * can read the answer there any more. Invocation and usage stay. Returns how many contexts it deleted: as many as one step has, then
 * there may be more.
 */
export async function dropContexts(database: Queryable, afterMs = standardLogExpiry.endedMs): Promise<number> {
  const [row] = await database.query<{ count: number }>`
    WITH over AS (
      SELECT x.invocation_id FROM invocation_context x JOIN invocation i ON i.id = x.invocation_id
      WHERE NOT x.store AND x.created_at < now() - ${afterMs}::float8 * interval '1 ms' AND i.finished_at < now() - ${afterMs}::float8 * interval '1 ms'
      ORDER BY x.created_at LIMIT ${contextsPerStep}::int FOR UPDATE OF x SKIP LOCKED
    ), dropped AS (
      DELETE FROM invocation_context x USING over WHERE x.invocation_id = over.invocation_id
    ), silenced AS (
      DELETE FROM message m USING over WHERE m.invocation_id = over.invocation_id
    )
    SELECT count(*)::int AS count FROM over`;
  return row?.count ?? 0;
}
