/** As many streams as one process serves with a call per delta before it pays to collect. */
const streamsAtEase = 16;
const msPerFurtherStream = 0.25;

/** How long deltas collect between two appends: not at all at ease, wider with each further stream, up to the limit. */
export function coalescingWindowMs(streams: number, mostMs: number): number {
  return Math.min(mostMs, Math.max(0, streams - streamsAtEase) * msPerFurtherStream);
}
