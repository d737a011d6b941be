import { expect, it } from 'vitest';
import { toTable } from './to-table.ts';

it('sets cells of a column under each other, whatever their colour', () => {
  const red = '\u001b[31mNOT met\u001b[39m';
  const rows = [
    ['figure', 'verdict', 'detail'],
    ['age', red, '3 ms'],
  ];
  expect(toTable(rows)).toEqual(['figure  verdict  detail', `age     ${red}  3 ms`]);
});
