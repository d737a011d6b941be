let second = -1;
let start = '';

/** The present moment as ISO-8601 in UTC, to the millisecond. All but its end is kept for a second: to format a date takes long for a thing done so often. */
export function isoNow(): string {
  const now = Date.now();
  const current = Math.floor(now / 1_000);
  if (current !== second) {
    second = current;
    start = new Date(1_000 * current).toISOString().slice(0, -4);
  }
  return `${start}${String(now % 1_000).padStart(3, '0')}Z`;
}
