import type { Figure } from './figure.ts';

/** The system as a multiple of the other, at most `limit`. */
export function versus(
  name: string,
  unit: string,
  nexus: number,
  other: number,
  limit: number,
  otherName = 'plain',
): Figure {
  return {
    name,
    measured: nexus / other,
    unit: `× ${otherName}`,
    bound: 'most',
    limit,
    detail: `${toText(nexus)} ${unit}, ${otherName} ${toText(other)} ${unit}`,
  };
}

/** Three significant digits. */
export function toText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–';
}
