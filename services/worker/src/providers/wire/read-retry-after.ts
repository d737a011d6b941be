import type { IncomingHttpHeaders } from 'node:http';

/** Milliseconds from a Retry-After header (seconds or a date), or from OpenAI's finer `retry-after-ms`. */
export function readRetryAfter(headers: IncomingHttpHeaders, now = Date.now()): number | undefined {
  const fine = readHeader(headers, 'retry-after-ms');
  if (fine !== '' && Number.isFinite(Number(fine))) return Math.max(0, Number(fine));
  const text = readHeader(headers, 'retry-after');
  if (text === '') return undefined;
  const seconds = Number.parseFloat(text);
  if (/^-?[\d.]+s?$/.test(text) && Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function readHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? (value[0] ?? '') : (value ?? '')).trim();
}
