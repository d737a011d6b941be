import { styleText } from 'node:util';
import { type Figure, isMet } from '../figures/figure.ts';
import { toText } from '../figures/versus.ts';

/** What it must show, and whether it does. */
export function toFigureTable(figures: Figure[]): string[] {
  const rows = figures.map((figure) => ({
    name: figure.name,
    target: toTarget(figure),
    measured: `${toText(figure.measured)} ${figure.unit}`.trim(),
    met: isMet(figure),
    detail: figure.detail,
  }));
  const width = (pick: (row: (typeof rows)[number]) => string, least: number) =>
    Math.max(least, ...rows.map((row) => pick(row).length));
  const [names, targets, measured] = [
    width(({ name }) => name, 6),
    width(({ target }) => target, 6),
    width((row) => row.measured, 8),
  ];
  return [
    `${'figure'.padEnd(names)}  ${'target'.padEnd(targets)}  ${'measured'.padEnd(measured)}`,
    ...rows.map((row) => {
      const verdict = row.met ? styleText('green', 'met    ') : styleText('red', 'NOT met');
      return `${row.name.padEnd(names)}  ${row.target.padEnd(targets)}  ${row.measured.padEnd(measured)}  ${verdict}  ${row.detail}`;
    }),
  ];
}

export function toTarget({ bound, limit, unit }: Figure): string {
  return `${bound === 'most' ? '≤' : '≥'} ${limit} ${unit}`.trim();
}
