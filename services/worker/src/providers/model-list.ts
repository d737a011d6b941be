/** How a provider is asked for its models: the one call that costs nothing and needs the same address and credentials as an answer. */
export type ModelList = { url: string; headers: Record<string, string> };
