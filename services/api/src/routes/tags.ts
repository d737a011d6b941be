/** The chapters of the document, in their order. */
export const tags = {
  Agents: 'A model with a system prompt and settings, to be asked.',
  Conversations: 'What was said, in order.',
  Invocations: 'One request to an agent, from the moment it is stored to its end.',
  OpenAI: 'Agents as models of OpenAI: for its clients, and those that speak its language.',
  Access: 'Who calls: tokens for browsers, and a session for the console.',
  Keys: 'What callers authenticate with.',
  Connections: "A provider's address and keys, of one workspace.",
  Workspaces: 'The owners of everything else.',
  Audit: 'Who changed what.',
  Documents: 'This document.',
} as const;

export type Tag = keyof typeof tags;
