const maxQuoted = 300;
/** How many characters are searched for keys. */
const maxSearched = 4_000;
/** A shorter secret could be found in common words. */
const minSecret = 6;

/** Patterns of the keys and tokens of known vendors. */
const keyPatterns = [
  /\bsk-[\w*.-]{6,}/g,
  /\b(?:gsk|xai|hf|nvapi|r8|fw|pplx|csk|tgp|pk|rk|ghp|glpat|dapi)[-_](?=[\w*.-]*[\d*])[\w*.-]{8,}/g,
  /\bAIza[\w*-]{10,}/g,
  /\bya29\.[\w-]{10,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  /(?<=\b(?:Bearer|Basic)\s+)[\w.~+/*-]{16,}=*/gi,
  /[\w-]{1,64}\*{3,}[\w-]*/g, // OpenAI shows the first and last characters of a key that it does not know
];

/**
 * The provider's own words: short, on one line, without anything that looks like a key or is one of `secrets`, and without NUL, which
 * Postgres cannot store.
 */
export function quote(words: string, secrets: string[] = []): string {
  let clean = words.slice(0, maxSearched).replaceAll('\0', ' ');
  for (const secret of secrets) if (secret.length >= minSecret) clean = clean.replaceAll(secret, '[key]');
  for (const pattern of keyPatterns) clean = clean.replaceAll(pattern, '[key]');
  clean = clean.replaceAll(/\s+/g, ' ').trim();
  return clean.length > maxQuoted ? `${clean.slice(0, maxQuoted).replace(/[\uD800-\uDBFF]$/, '')}…` : clean;
}
