/** Names a row as a writer saw it: the statement has no effect once the attempt has moved on. */
export type Held = { invocationId: string; conversationId: string; attempt: number };
