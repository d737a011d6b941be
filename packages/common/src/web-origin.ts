/**
 * An origin as browsers send it: lower case, without a slash at its end and without the port that its scheme has anyway. null for what is
 * none: one without scheme, with a path, `*`, or `null`, which is the origin of every sandboxed page.
 */
export function toWebOrigin(text: string): string | null {
  const written = /^([a-z][a-z\d+.-]*):\/\/[^\s/\\?#@]+\/?$/i.exec(text);
  if (!written || !URL.canParse(text)) return null;
  const { origin, protocol, host } = new URL(text);
  if (host === '' || host.includes('*') || protocol === 'file:') return null;
  return origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin; // of an app: tauri://localhost
}
