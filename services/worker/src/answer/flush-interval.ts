/** As many streams as one process serves with a call per delta before it pays to let them flush together. */
const streamsAtEase = 3;
const shortestMs = 2;
const streamsAtShortest = 16;
const msPerFurtherStream = 0.25;

/** How long lies between two flushes of the process: nothing at ease, more with each further stream, up to the limit. Milliseconds. */
export function flushIntervalMs(streams: number, mostMs: number): number {
  if (streams <= streamsAtEase) return 0;
  return Math.min(mostMs, shortestMs + Math.max(0, streams - streamsAtShortest) * msPerFurtherStream);
}
