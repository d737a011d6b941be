/** One line of what the benchmark has to show. */
export type Figure = {
  name: string;
  /** What was measured, in `unit`. */
  measured: number;
  unit: string;
  /** How far it may go: `most` from below, `least` from above. */
  bound: 'most' | 'least';
  limit: number;
  /** What the number is made of, for people. */
  detail: string;
};

export function isMet({ measured, bound, limit }: Figure): boolean {
  return bound === 'most' ? measured <= limit : measured >= limit;
}
