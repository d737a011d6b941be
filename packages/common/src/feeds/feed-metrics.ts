import { Counter, type Registry } from 'prom-client';
import type { FeedCounters } from './followed-invocation.ts';

/** The metrics of feeds, for the gateway and for the API's event streams. */
export function createFeedMetrics(registry: Registry): FeedCounters {
  const registers = [registry];
  const replayed = new Counter({
    name: 'nexus_events_replayed_total',
    help: 'Events sent to readers that came late or came back.',
    registers,
  });
  const gaps = new Counter({
    name: 'nexus_gaps_repaired_total',
    help: 'Holes in the live events that were filled from the log.',
    registers,
  });
  const late = new Counter({
    name: 'nexus_events_late_total',
    help: 'Times that readers got events late: found only by the check after a silence, or read from a log that was lost first.',
    labelNames: ['cause'] as const,
    registers,
  });
  for (const cause of ['silence', 'lost_log'] as const) late.inc({ cause }, 0);
  return {
    replayed: (events) => replayed.inc(events),
    gapRepaired: () => gaps.inc(),
    cameLate: (cause) => late.inc({ cause }),
  };
}
