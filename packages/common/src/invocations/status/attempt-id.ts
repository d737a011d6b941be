/** Names one attempt at an invocation. A statement for it has no effect once the row has moved on to another attempt. */
export type AttemptId = { invocationId: string; conversationId: string; attempt: number };
