import { monotonicMs } from '../processes/monotonic-ms.ts';

/** The text of a chunk: the time now, in microseconds of the monotonic clock, as short as a word of an answer. */
export function stampNow(): string {
  return `${Math.round(monotonicMs() * 1_000).toString(36)} `;
}

/** The times, in milliseconds, at which the chunks of a text were sent. */
export function readStamps(text: string): number[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => Number.parseInt(word, 36) / 1_000);
}
