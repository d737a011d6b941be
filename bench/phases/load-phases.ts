import type { LoadPhase } from './run-load-phase.ts';

/** What is asked of system, plain and direct alike. `scale` shrinks how often, never how many at once. */
export function loadPhases(scale: number): LoadPhase[] {
  const times = (count: number) => Math.max(1, Math.round(count * scale));
  return [
    {
      name: '1',
      title: 'one at a time, 16 chunks',
      load: { model: 't50-n16-d20', clients: 1, asksPerClient: times(16) },
    },
    {
      name: '16',
      title: '16 at once, 64 chunks',
      load: { model: 't50-n64-d20', clients: 16, asksPerClient: times(4) },
    },
    {
      name: '64',
      title: '64 at once, 8 chunks as fast as they go',
      load: { model: 't5-n8-d2', clients: 64, asksPerClient: times(16) },
    },
  ];
}
