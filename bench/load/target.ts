import type { Answer } from './answer.ts';

/** Asks the first question of a conversation that the client watches already. */
export type Ask = () => Promise<Answer>;

/** Clients with a connection each. `asks` has a row of questions for each client. */
export type OpenClients = { asks: Ask[][]; close(): void };

/** A system that answers. `open` resolves when all clients are connected and subscribed: no measurement includes that. */
export type Target = { open(model: string, clients: number, asksPerClient: number): Promise<OpenClients> };

export type TargetAddress =
  | { kind: 'nexus'; apiUrl: string; gatewayUrl: string }
  | { kind: 'stream'; apiUrl: string }
  | { kind: 'chat'; apiUrl: string }
  | { kind: 'plain'; apiUrl: string; gatewayUrl: string }
  | { kind: 'insert'; apiUrl: string };
