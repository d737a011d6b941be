import { styleText } from 'node:util';
import { type Figure, isMet, toTarget } from '../figures/figure.ts';
import { toText } from '../figures/versus.ts';
import { toTable } from './to-table.ts';

/** Each figure with its target and the verdict. */
export function toFigureTable(figures: Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.name,
    toTarget(figure),
    `${toText(figure.measured)} ${figure.unit}`.trim(),
    isMet(figure) ? styleText('green', 'met') : styleText('red', 'NOT met'),
    figure.detail,
  ]);
  return toTable([['figure', 'target', 'measured', '', ''], ...rows]);
}
