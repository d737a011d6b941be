/** What clients are to do. */
export type Load = {
  /** Its name sets the provider's pace. */
  model: string;
  clients: number;
  asksPerClient: number;
  /** Each client asks once in so many milliseconds, or when it has its answer, whichever is later. */
  everyMs?: number;
  /** Questions come at this rate, whatever becomes of them; without it each client waits for its answer before it asks again. */
  arrivals?: { perSecond: number; seed: number };
};

/** What they saw, in milliseconds: one number per answer, or per chunk for `ageMs`. */
export type Samples = {
  answers: number;
  seconds: number;
  /** From the POST to the first chunk, less the provider's own delay. */
  firstChunkMs: number[];
  /** From the provider's write to the client's hands. */
  ageMs: number[];
  /** From the POST to its answer. */
  acceptedMs: number[];
  /** From the POST to the end, less the provider's own time. */
  endMs: number[];
};
