import { msAgo } from '@nexus/common/postgres/ms-ago';
import type { Queryable } from '@nexus/common/postgres/queryable';
import { providerNames } from '@nexus/common/queue/provider-name';
import { liveness } from '@nexus/common/timing/liveness';

/** For each provider, how many workers could take its invocations now. */
export async function countWorkersOnline(database: Queryable): Promise<Record<string, number>> {
  const rows = await database.query<{ provider: string; count: number }>`
    SELECT provider, count(*)::int AS count FROM worker, unnest(providers) AS provider
    WHERE heartbeat_at > ${msAgo(liveness.lostLockMs)} GROUP BY provider`;
  return {
    ...Object.fromEntries(providerNames.map((name) => [name, 0])),
    ...Object.fromEntries(rows.map(({ provider, count }) => [provider, count])),
  };
}
