/** The work of the clients. */
export type Load = {
  /** Its name sets the provider's pace. */
  model: string;
  clients: number;
  asksPerClient: number;
  /** The least time between two questions of one client; without it, the client asks as soon as it has its answer. */
  everyMs?: number;
};

/** What the clients measured, in milliseconds: one number per answer, or per chunk for `ageMs`. */
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
