/** Up to this many streams no delta waits: what arrives in one turn of the event loop flushes together anyway. */
const streamsAtEase = 16;
const msPerFurtherStream = 0.25;

/** Milliseconds between two flushes of the process: 0 with few streams, more with each further stream, at most `maxMs`. */
export function flushIntervalMs(streams: number, maxMs: number): number {
  return Math.min(maxMs, Math.max(0, streams - streamsAtEase) * msPerFurtherStream);
}
