/** Okabe and Ito's colours, which people who do not see all colours can tell apart. */
const colours = ['#0072b2', '#e69f00', '#999999', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'];

const fixed: Record<string, string> = {
  nexus: '#0072b2',
  plain: '#e69f00',
  direct: '#999999',
  raw: '#009e73',
  api: '#56b4e9',
  worker: '#0072b2',
  gateway: '#009e73',
  postgres: '#cc79a7',
  redis: '#d55e00',
};

/** The same name has the same colour on the whole page. */
export function colourOf(name: string): string {
  if (fixed[name]) return fixed[name];
  let sum = 0;
  for (const character of name) sum += character.codePointAt(0) ?? 0;
  return colours[sum % colours.length] ?? '#999999';
}
