/**
 * An origin as browsers send it: in lower case, without a slash at its end, without its scheme's own port. Returns null for anything else: text
 * without a scheme, with a path, `*`, or `null`, which every sandboxed page sends.
 */
export function toWebOrigin(text: string): string | null {
  const written = /^([a-z][a-z\d+.-]*):\/\/[^\s/\\?#@]+\/?$/i.exec(text);
  if (!written || !URL.canParse(text)) return null;
  const { origin, protocol, host } = new URL(text);
  if (host === '' || host.includes('*') || protocol === 'file:') return null;
  return origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin; // of an app: tauri://localhost
}
