import { monotonicMs } from '../processes/monotonic-ms.ts';

/** A chunk's text: when it was sent, in microseconds of the monotonic clock and as short as a word of an answer. */
export function stampNow(): string {
  return `${Math.round(monotonicMs() * 1_000).toString(36)} `;
}

/** The moments, in milliseconds, that a text of whole chunks was stamped with. */
export function readStamps(text: string): number[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => Number.parseInt(word, 36) / 1_000);
}
