/**
 * An origin as browsers send it: lower case, no slash at the end, no default port. Returns null for text that is not an origin: without a
 * scheme, with a path, `*`, or `null`. Every sandboxed page sends `null`, so it names no page.
 */
export function toWebOrigin(text: string): string | null {
  const written = /^([a-z][a-z\d+.-]*):\/\/[^\s/\\?#@]+\/?$/i.exec(text);
  if (!written || !URL.canParse(text)) return null;
  const { origin, protocol, host } = new URL(text);
  if (host === '' || host.includes('*') || protocol === 'file:') return null;
  return origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin; // apps have their own schemes: tauri://localhost
}
