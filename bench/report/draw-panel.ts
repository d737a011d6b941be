import { toText } from '../figures/versus.ts';
import { colourOf } from './palette.ts';
import type { Bar, Panel } from './panel.ts';

export const panelSize = { width: 420, height: 240 };

const plot = { left: 14, top: 44, right: 406, bottom: 192 };
const fontSize = 10;

/** A panel as SVG, its upper left corner at 0, 0. Heights start at zero: nothing looks larger than it is. */
export function drawPanel({ title, unit, groups }: Panel): string {
  const highest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)), Number.MIN_VALUE);
  const slot = (plot.right - plot.left) / Math.max(1, groups.length);
  const shapes = groups.map(({ label, bars }, index) => {
    const left = plot.left + index * slot;
    const width = Math.min(44, (slot - 10) / Math.max(1, bars.length));
    const start = left + (slot - width * bars.length) / 2;
    const drawn = bars.map((bar, place) => drawBar(bar, start + place * width, width - 3, highest));
    return `${drawn.join('')}${text(left + slot / 2, plot.bottom + labelDrop(index, slot, label), label, 'middle')}`;
  });
  return [
    text(plot.left, 18, title, 'start', 'font-weight="bold" font-size="12"'),
    text(plot.left, 33, unit, 'start', 'fill="#666"'),
    `<line x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}" stroke="#999"/>`,
    ...shapes,
    drawLegend(groups.flatMap(({ bars }) => bars)),
  ].join('\n');
}

/** Labels wider than their place keep out of their neighbours' way. */
function labelDrop(index: number, slot: number, label: string): number {
  return index % 2 === 1 && label.length * 5.5 > slot ? 25 : 14;
}

function drawBar({ series, value, parts }: Bar, x: number, width: number, highest: number): string {
  const toHeight = (amount: number) => (Math.max(0, amount) / highest) * (plot.bottom - plot.top - 12);
  let y = plot.bottom;
  const pieces = Object.entries(parts ?? { [series]: value }).map(([name, amount]) => {
    const height = toHeight(amount);
    y -= height;
    return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${colourOf(name)}"/>`;
  });
  const label = parts ? `${series} ${toText(value)}` : toText(value);
  return `${pieces.join('')}${text(x + width / 2, y - 3, label, 'middle')}`;
}

/** Names of what has a colour of its own: the pieces of stacks, or the bars. */
function drawLegend(bars: Bar[]): string {
  const names = [...new Set(bars.flatMap(({ series, parts }) => (parts ? Object.keys(parts) : [series])))];
  let x = plot.left;
  return names
    .map((name) => {
      const drawn = `<rect x="${x}" y="${plot.bottom + 34}" width="9" height="9" fill="${colourOf(name)}"/>${text(x + 13, plot.bottom + 42, name, 'start')}`;
      x += 26 + name.length * 6;
      return drawn;
    })
    .join('');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle', more = ''): string {
  const size = more.includes('font-size') ? '' : ` font-size="${fontSize}"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${size} ${more}>${escapeXml(content)}</text>`;
}

export function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
