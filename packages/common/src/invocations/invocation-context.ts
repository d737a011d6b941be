/** A message of a history. Those of one `turn` belong together. */
export type Turn = { role: 'user' | 'assistant'; content: string; tokenCount: number | null; turn: number };

/** A message before the input. System text is not among them. */
export type ContextMessage = { role: 'user' | 'assistant'; content: string };

/** What a request brings along in place of a conversation's history. */
export type InvocationContext = {
  /** Oldest first. */
  messages: ContextMessage[];
  /** Comes after the agent's system prompt; empty for none. */
  systemText: string;
  /** Whether it stays once the log is gone. */
  store: boolean;
};

/** The messages as a conversation's history: newest first, a turn begins with what a user said. */
export function toHistory(messages: ContextMessage[]): Turn[] {
  let turn = 0;
  return messages
    .map(({ role, content }) => {
      if (role === 'user') turn += 1;
      return { role, content, tokenCount: null, turn };
    })
    .reverse();
}

/** The agent's system prompt, then the request's. */
export function joinSystemText(...texts: string[]): string {
  return texts.filter((text) => text !== '').join('\n\n');
}
