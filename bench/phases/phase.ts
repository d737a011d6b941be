import type { Figure } from '../figures/figure.ts';
import type { Panel } from '../report/panel.ts';
import type { Bench } from '../stack/open-bench.ts';
import type { Release } from '../stack/releases.ts';

export type PhaseTools = {
  bench: Bench;
  rounds: number;
  /** How often each thing is done, as a share of what a full run does. */
  scale: number;
  seed: number;
  say: (line: string) => void;
  /** For what the phase opens: closed when it is over. */
  release: Release;
};

export type PhaseResult = {
  /** For the terminal. */
  lines: string[];
  figures: Figure[];
  panels: Panel[];
  /** For the JSON. */
  data: unknown;
};

export type Phase = { name: string; title: string; run(tools: PhaseTools): Promise<PhaseResult> };

/** So many repetitions at this scale, but not fewer than it takes to mean something. */
export function scaled(count: number, scale: number, least = 1): number {
  return Math.max(least, Math.round(count * scale));
}
