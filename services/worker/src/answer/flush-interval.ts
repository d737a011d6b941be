/** With as many streams, what comes in one turn of the event loop flushes together anyway, and no delta is kept waiting. */
const streamsAtEase = 16;
const msPerFurtherStream = 0.25;

/** How long lies between two flushes of the process: nothing at ease, more with each further stream, up to the limit. Milliseconds. */
export function flushIntervalMs(streams: number, mostMs: number): number {
  return Math.min(mostMs, Math.max(0, streams - streamsAtEase) * msPerFurtherStream);
}
