import { Counter, type Registry } from 'prom-client';
import type { FeedCounters } from './conversation-feed.ts';

/** What the readers of event logs count, in the gateway and behind the API's event streams alike. */
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
  return { replayed: (events) => replayed.inc(events), gapRepaired: () => gaps.inc() };
}
