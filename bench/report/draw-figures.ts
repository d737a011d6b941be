import { type Figure, isMet, shareOfTarget, toTarget } from '../figures/figure.ts';
import { toText } from '../figures/versus.ts';

const width = 1_480;
const top = 88;
const rowHeight = 24;
/** Where the bars begin, and where the target is. */
const [start, target] = [420, 570];
/** A longer bar ends here: the number beside it tells the rest. */
const maxShare = 1.9;

/** The run as one plot: a bar for each figure. A bar that passes the line misses its target. */
export function drawFigures(heading: string, note: string, figures: Figure[]): string {
  const height = top + figures.length * rowHeight + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(24, 34, heading, 'font-size="20" font-weight="bold"'),
    text(24, 56, note, 'fill="#555"'),
    ...figures.map((figure, index) => drawFigure(figure, top + index * rowHeight)),
    `<line x1="${target}" x2="${target}" y1="${top - 6}" y2="${height - 20}" stroke="#222"/>`,
    text(target, top - 12, 'target', 'text-anchor="middle" fill="#555"'),
    '</svg>\n',
  ].join('\n');
}

function drawFigure(figure: Figure, y: number): string {
  const met = isMet(figure);
  const colour = met ? '#0072b2' : '#d55e00';
  const share = shareOfTarget(figure);
  const length = Number.isNaN(share) ? 0 : Math.min(share, maxShare) * (target - start);
  const middle = y + 13;
  return [
    text(24, middle, figure.name),
    `<rect x="${start}" y="${y + 2}" width="${length.toFixed(1)}" height="${rowHeight - 8}" fill="${colour}"/>`,
    text(725, middle, `${toText(figure.measured)} ${figure.unit}`, 'font-weight="bold"'),
    text(925, middle, toTarget(figure), 'fill="#555"'),
    text(1_110, middle, met ? 'met' : 'not met', `fill="${colour}"`),
    text(1_170, middle, figure.detail, 'fill="#555"'),
  ].join('');
}

function text(x: number, y: number, content: string, more = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" ${more}>${escaped}</text>`;
}
