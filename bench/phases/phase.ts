import type { Figure } from '../figures/figure.ts';
import type { Bench } from '../stack/open-bench.ts';
import type { Release } from '../stack/releases.ts';

export type PhaseTools = {
  bench: Bench;
  rounds: number;
  /** The share of a full run's repetitions. */
  scale: number;
  say: (line: string) => void;
  /** Closes at the end of the phase what the phase opened. */
  release: Release;
};

export type PhaseResult = {
  /** For the terminal. */
  lines: string[];
  figures: Figure[];
  /** For the JSON. */
  data: unknown;
};

export type Phase = { name: string; title: string; run(tools: PhaseTools): Promise<PhaseResult> };

/** The number of repetitions at this scale, at least `min`. */
export function scaled(count: number, scale: number, min = 1): number {
  return Math.max(min, Math.round(count * scale));
}
