/** The request for a provider's models. It costs nothing, and needs the same address and key as an answer. */
export type ModelList = { url: string; headers: Record<string, string> };
