export type Pace = {
  /** Before the first chunk. */
  firstMs: number;
  chunks: number;
  gapMs: number;
};

const standardPace: Pace = { firstMs: 0, chunks: 5, gapMs: 0 };

/** The pace of a model's name: `t50-n64-d20` waits 50 ms, then sends 64 chunks, 20 ms apart. All other names have one default pace. */
export function parsePace(model: string): Pace {
  const found = /^t(\d+)-n(\d+)-d(\d+)/.exec(model);
  if (!found) return standardPace;
  return { firstMs: Number(found[1]), chunks: Number(found[2]), gapMs: Number(found[3]) };
}
