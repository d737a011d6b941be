let second = -1;
let start = '';

/** The current time as ISO 8601 in UTC, with milliseconds. All but the milliseconds is cached for a second, because formatting a date is slow. */
export function isoNow(): string {
  const now = Date.now();
  const current = Math.floor(now / 1_000);
  if (current !== second) {
    second = current;
    start = new Date(1_000 * current).toISOString().slice(0, -4);
  }
  return `${start}${String(now % 1_000).padStart(3, '0')}Z`;
}
