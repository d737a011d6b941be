import type { Summary } from '../figures/summarize.ts';
import type { Panel } from './panel.ts';

/** How long clients wait, and what it costs, under one load. */
export function toLoadPanels(title: string, summaries: Record<string, Summary>): Panel[] {
  const entries = Object.entries(summaries);
  const group = (label: string, of: (summary: Summary) => number) => ({
    label,
    bars: entries.map(([series, summary]) => ({ series, value: of(summary) })),
  });
  return [
    {
      title,
      unit: 'ms beyond the provider',
      groups: [
        group('first chunk p50', ({ firstChunkP50 }) => firstChunkP50),
        group('p99', ({ firstChunkP99 }) => firstChunkP99),
        group('age p50', ({ ageP50 }) => ageP50),
        group('p99', ({ ageP99 }) => ageP99),
      ],
    },
    {
      title: 'what an answer of it costs',
      unit: 'CPU ms by role',
      groups: entries
        .filter(([, { cpuTotal }]) => cpuTotal > 0)
        .map(([series, { cpuTotal, cpuByRole }]) => ({
          label: series,
          bars: [{ series: '', value: cpuTotal, parts: cpuByRole }],
        })),
    },
    { title: 'throughput of it', unit: 'answers per second', groups: [group('', ({ perSecond }) => perSecond)] },
  ];
}
