import type { PrismaClient } from './open-database.ts';

/** The invocations of these conversations that are not over, oldest first. */
export async function loadUnfinished(
  database: Pick<PrismaClient, '$queryRaw'>,
  conversationIds: string[],
): Promise<{ conversationId: string; invocationId: string }[]> {
  return database.$queryRaw`
    SELECT c.id AS "conversationId", in_line.id AS "invocationId"
    FROM conversation c, unnest(c.line) WITH ORDINALITY AS in_line(id, place)
    WHERE c.id = ANY(${conversationIds}::uuid[]) ORDER BY c.id, in_line.place`;
}
