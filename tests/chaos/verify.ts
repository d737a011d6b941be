import { logKey } from '@nexus/common/events/event-log-names';
import { assertShown } from '../support/assert-shown.ts';
import type { RunningService } from '../support/start-service.ts';
import { waitUntil } from '../support/wait-until.ts';
import { must } from './chaos-row.ts';
import { nothingIsLeftOver } from './left-over.ts';
import type { Chaos } from './open-chaos.ts';

export type CheckOptions = {
  /** Milliseconds within which all accepted invocations must end. */
  boundMs?: number;
  /** The allowed statuses; by default only completed. */
  statuses?: string[];
  /** The row's faults may cause more than one call for each attempt (retries before the first part). */
  retriesAllowed?: boolean;
  /** Services that were killed on purpose. */
  dead?: RunningService[];
  /** Those of them that died by an exception. */
  thrown?: RunningService[];
  /** How many bytes a process may grow, for rows that need a lot of memory. */
  mayGrowBytes?: number;
  /** Killed workers leave jobs that BullMQ removes only after its lock time. They do not count as left over. */
  jobsMayLinger?: boolean;
};

type Row = {
  id: string;
  status: string;
  attempt: number;
  errorCode: string | null;
  text: string | null;
  usage: number[];
};

/** I1 to I5, from what clients received, what the provider saw, Postgres and Redis. */
export async function verify(chaos: Chaos, options: CheckOptions = {}): Promise<void> {
  const rows = await everythingEnds(chaos, options);
  await assertShown(chaos, (id) => rows.get(id)?.text ?? '');
  await logsAreWhole(chaos);
  callsAndUsageFit(chaos, rows, options);
  await nothingIsLeftOver(chaos, options);
  await servicesAreWell(chaos, options);
}

/** I1: every 202 reached exactly one terminal state, within the bound. */
async function everythingEnds({ stack, accepted }: Chaos, options: CheckOptions): Promise<Map<string, Row>> {
  const { boundMs = 30_000, statuses = ['completed'] } = options;
  const ids = accepted.map(({ id }) => id);
  const load = () => stack.database.query<Row>`
    SELECT i.id, i.status::text, i.attempt, i.error_code AS "errorCode", m.content AS text,
           ARRAY(SELECT attempt FROM usage_record u WHERE u.invocation_id = i.id ORDER BY attempt) AS usage
    FROM invocation i LEFT JOIN message m ON m.id = i.output_message_id WHERE i.id = ANY(${ids}::uuid[])`;
  let rows: Row[] = [];
  const open = () => rows.filter(({ status }) => status === 'queued' || status === 'running');
  await waitUntil(
    async () => {
      rows = await load();
      return rows.length === ids.length && open().length === 0;
    },
    { what: `all ${ids.length} accepted invocations to end`, timeoutMs: boundMs, everyMs: 100 },
  ).catch((error: Error) => {
    throw new Error(`I1: ${error.message}; open: ${JSON.stringify(open().slice(0, 5))}`);
  });
  const odd = rows.filter(({ status }) => !statuses.includes(status));
  must(odd.length === 0, `I1: ended with other statuses than ${statuses}: ${JSON.stringify(odd.slice(0, 5))}`);
  const gaps = await stack.database.query<{ id: string }>`
    SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation_id = c.id
    GROUP BY c.id HAVING count(m.*) <> c.message_count OR coalesce(max(m.position), 0) <> c.message_count OR cardinality(c.line) > 0`;
  must(
    gaps.length === 0,
    `I1: conversations with gaps in their positions, or with a line although all invocations have ended: ${JSON.stringify(gaps)}`,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** I2: every log has no gap, and no event of an older attempt after a newer one. Only before a snapshot may seqs be missing. */
async function logsAreWhole({ stack, accepted }: Chaos): Promise<void> {
  for (const { id, conversationId } of accepted) {
    let seq = 0;
    let attempt = 0;
    for (const [entry, [, by, , , , text = '']] of await stack.redis.xrange(logKey(conversationId, id), '-', '+')) {
      const next = Number(entry.slice(2));
      const anew = seq === 0 || text.includes('"type":"invocation.snapshot"');
      must(next === seq + 1 || (anew && next > seq), `I2: seq ${next} after ${seq} in the log of ${id}`);
      must(Number(by) >= attempt, `I2: attempt ${by} after ${attempt} in the log of ${id}`);
      [seq, attempt] = [next, Number(by)];
    }
  }
}

/** I3: provider calls never exceed attempts, and each has its usage record. */
function callsAndUsageFit(
  { provider, accepted }: Chaos,
  rows: Map<string, Row>,
  { retriesAllowed = false }: CheckOptions,
): void {
  for (const { id, message } of accepted) {
    const row = rows.get(id);
    if (!row) continue;
    const calls = provider.callsFor(message).length;
    must(retriesAllowed || calls <= row.attempt, `I3: ${calls} calls for ${row.attempt} attempts of ${id}`);
    const reached = Math.min(calls, row.attempt);
    must(row.usage.length >= reached, `I3: ${calls} calls, but usage of attempts ${row.usage} for ${id}`);
    must(
      row.usage.length <= row.attempt,
      `I3: usage of attempts ${row.usage}, but only ${row.attempt} attempts of ${id}`,
    );
  }
}

/** I5: no crash, no hang, no unhandled rejection; health tells the truth. */
async function servicesAreWell({ stack }: Chaos, { dead = [], thrown = [] }: CheckOptions): Promise<void> {
  for (const service of [...stack.apis, ...stack.gateways, ...stack.workers]) {
    must(
      thrown.includes(service) || !/uncaughtException|unhandledRejection/.test(service.output()),
      `I5: an uncaught error:\n${service.output().slice(-2_000)}`,
    );
    if (dead.includes(service)) continue;
    await waitUntil(async () => (await fetch(`${service.url}/readyz`).catch(() => null))?.ok, {
      what: `I5: ${service.url} to be ready\n${service.output().slice(-1_000)}`,
      timeoutMs: 10_000,
      everyMs: 100,
    });
  }
}
