import { randomUUID } from 'node:crypto';

let milliseconds = 0;
/** The first fifteen characters of an id of that millisecond. */
let start = '';
let counter = 0;

/**
 * A UUID of version 7, greater than all earlier ones of this process (RFC 9562, section 6.2, method 1: a counter in the twelve bits after the time).
 * `randomUUID` takes random bytes from a cache. A library that asks the system for each id costs ten times as much.
 */
export function newId(): string {
  const now = Date.now();
  if (now > milliseconds) begin(now);
  else if (counter < 0xfff) counter += 1;
  else begin(milliseconds + 1);
  return `${start}${counter.toString(16).padStart(3, '0')}-${randomUUID().slice(19)}`;
}

function begin(at: number): void {
  const time = at.toString(16).padStart(12, '0');
  milliseconds = at;
  start = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  counter = 0;
}
