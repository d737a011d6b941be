import { type Figure, isMet } from '../figures/figure.ts';
import { toText } from '../figures/versus.ts';
import { drawPanel, escapeXml, panelSize } from './draw-panel.ts';
import { toTarget } from './figure-table.ts';
import type { Panel } from './panel.ts';

const columns = 3;
const margin = 24;
const lineHeight = 17;

/** Everything on one page: the figures with their targets, then the panels. */
export function drawPage({
  heading,
  notes,
  figures,
  panels,
}: {
  heading: string;
  notes: string[];
  figures: Figure[];
  panels: Panel[];
}): string {
  const width = margin * 2 + columns * panelSize.width;
  const tableTop = margin + 30 + notes.length * lineHeight + 16;
  const panelsTop = tableTop + (figures.length + 1) * lineHeight + 16;
  const height = panelsTop + Math.ceil(panels.length / columns) * panelSize.height + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    line(margin, margin + 14, heading, 'font-size="20" font-weight="bold"'),
    ...notes.map((note, index) => line(margin, margin + 38 + index * lineHeight, note, 'font-size="11" fill="#555"')),
    ...figures.map((figure, index) => drawFigure(figure, tableTop + (index + 1) * lineHeight)),
    ...panels.map((panel, index) => {
      const x = margin + (index % columns) * panelSize.width;
      const y = panelsTop + Math.floor(index / columns) * panelSize.height;
      return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`;
    }),
    '</svg>\n',
  ].join('\n');
}

function drawFigure(figure: Figure, y: number): string {
  const met = isMet(figure);
  const cells: [number, string, string][] = [
    [margin, figure.name, ''],
    [margin + 400, toTarget(figure), 'fill="#555"'],
    [margin + 580, `${toText(figure.measured)} ${figure.unit}`, 'font-weight="bold"'],
    [margin + 760, met ? 'met' : 'not met', `fill="${met ? '#00704f' : '#b23c00'}"`],
    [margin + 830, figure.detail, 'fill="#555"'],
  ];
  return cells.map(([x, content, more]) => line(x, y, content, `font-size="12" ${more}`)).join('');
}

function line(x: number, y: number, content: string, more: string): string {
  return `<text x="${x}" y="${y}" ${more}>${escapeXml(content)}</text>`;
}
