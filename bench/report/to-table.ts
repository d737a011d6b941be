import { stripVTControlCharacters } from 'node:util';

/** One line for each row. A column is as wide as its widest cell, whose colours take no room. */
export function toTable(rows: string[][]): string[] {
  const widthOf = (cell = '') => stripVTControlCharacters(cell).length;
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]))));
  const pad = (cell: string, column: number) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}
