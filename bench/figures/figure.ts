/** One line of the benchmark's result. */
export type Figure = {
  name: string;
  /** In `unit`. */
  measured: number;
  unit: string;
  /** `most`: at most `limit`. `least`: at least `limit`. */
  bound: 'most' | 'least';
  limit: number;
  /** The numbers behind the figure, for people. */
  detail: string;
};

export function atMost(name: string, measured: number, limit: number, unit: string, detail: string): Figure {
  return { name, measured, unit, bound: 'most', limit, detail };
}

export function isMet({ measured, bound, limit }: Figure): boolean {
  return bound === 'most' ? measured <= limit : measured >= limit;
}

/** The share of its target that a figure uses up: a figure that is met has at most 1. NaN if nothing was measured. */
export function shareOfTarget({ measured, bound, limit }: Figure): number {
  if (measured === limit) return limit === 0 ? 0 : 1;
  return bound === 'most' ? measured / limit : limit / measured;
}

export function toTarget({ bound, limit, unit }: Figure): string {
  return `${bound === 'most' ? '≤' : '≥'} ${limit} ${unit}`.trim();
}
