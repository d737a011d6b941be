import { isTerminalType, type NewEvent } from '@nexus/protocol/event';
import { invocationStatuses, isFinished } from '@nexus/protocol/invocation-status';
import { Counter, Histogram, type Registry } from 'prom-client';
import { providerNames } from '../queue/provider-name.ts';
import type { Ended } from './status/ended.ts';

/** The metrics of every service that can end invocations or append events. */
export type InvocationMetrics = {
  /** Call it once for each invocation, after the status is written. */
  ended(ended: Ended): void;
  appended(events: NewEvent[]): void;
};

/** Seconds. Answers take from a tenth of a second to minutes. */
export const answerBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const eventKinds = ['delta', 'terminal', 'other'] as const;
type EventKind = (typeof eventKinds)[number];
const noEvents: Record<EventKind, number> = { delta: 0, terminal: 0, other: 0 };

/** All series start at zero, so that Prometheus sees the first failure as an increase. */
export function createInvocationMetrics(registry: Registry): InvocationMetrics {
  const registers = [registry];
  const finished = new Counter({
    name: 'nexus_invocations_finished_total',
    help: 'Invocations that this process ended, by status.',
    labelNames: ['provider', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'nexus_invocation_duration_seconds',
    help: 'Time from the request to the end of the invocation.',
    labelNames: ['provider', 'status'],
    buckets: answerBuckets,
    registers,
  });
  const cancelLatency = new Histogram({
    name: 'nexus_cancel_latency_seconds',
    help: 'Time from the cancel request to the end of the invocation.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  let newEvents = { ...noEvents };
  new Counter({
    name: 'nexus_events_appended_total',
    help: 'Events written to logs: deltas, terminal events, and all others.',
    labelNames: ['kind'],
    registers,
    /** Events are so many that they are counted without labels until a scrape. */
    collect() {
      for (const kind of eventKinds) this.inc({ kind }, newEvents[kind]);
      newEvents = { ...noEvents };
    },
  });
  for (const provider of providerNames) {
    for (const status of invocationStatuses.filter(isFinished)) {
      finished.inc({ provider, status }, 0);
      durations.zero({ provider, status });
    }
  }
  return {
    ended({ status, provider, durationMs, cancelMs }) {
      finished.inc({ provider, status });
      durations.observe({ provider, status }, durationMs / 1_000);
      if (status === 'cancelled' && cancelMs !== null) cancelLatency.observe(cancelMs / 1_000);
    },
    appended(events) {
      for (const { type } of events) newEvents[toKind(type)] += 1;
    },
  };
}

function toKind(type: NewEvent['type']): EventKind {
  if (type === 'message.delta' || type === 'reasoning.delta') return 'delta';
  return isTerminalType(type) ? 'terminal' : 'other';
}
