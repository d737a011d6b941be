import { AppError } from '@nexus/common/errors/app-error';
import type { Database } from '@nexus/common/postgres/open-database';

/** Columns and what they have to be: ids and names of ours, which need no quoting. */
type Conditions = { workspace_id: string } & Record<string, string | undefined>;

const plainValue = /^[\w-]+$/;

/**
 * The ids of a page, newest first, and of one row more where another page follows. The values stand in the text, where the planner sees
 * how many rows have them: for values that it does not know it goes through all of a large table to find the few rows of a rare one.
 * A user's name is the customer's text, so it is a parameter: an index of its own finds its rows, however many there are.
 */
export async function loadPageIds(
  database: Pick<Database, '$queryRawUnsafe'>,
  table: 'conversation' | 'invocation',
  conditions: Conditions,
  { before, limit, userId }: { before: string | null; limit: number; userId?: string | undefined },
): Promise<{ id: string }[]> {
  return database.$queryRawUnsafe(
    `
    SELECT id FROM ${table} WHERE ${toSql(conditions)} ${before === null ? '' : `AND id < ${quoted(before)}`}
    ${userId === undefined ? '' : 'AND user_id = $1::text'}
    ORDER BY id DESC LIMIT ${limit + 1}`,
    ...(userId === undefined ? [] : [userId]),
  );
}

function toSql(conditions: Conditions): string {
  return Object.entries(conditions)
    .flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${quoted(value)}`]))
    .join(' AND ');
}

/** Whoever asks has parsed the value; one that gets here all the same is no SQL. */
function quoted(value: string): string {
  if (!plainValue.test(value)) throw new AppError('internal_error');
  return `'${value}'`;
}
