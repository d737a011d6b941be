import type { Answer } from './answer.ts';

/** Asks one question in a conversation that is watched already, and that nothing was asked in before. */
export type Ask = () => Promise<Answer>;

/** Clients with a connection each. `asks` has a row of questions for each client. */
export type OpenClients = { asks: Ask[][]; close(): void };

/** Something that answers. Connecting and subscribing are done when `open` resolves: no measurement holds them. */
export type Target = { open(model: string, clients: number, asksPerClient: number): Promise<OpenClients> };

export type TargetAddress =
  | { kind: 'nexus'; apiUrl: string; gatewayUrl: string }
  | { kind: 'stream'; apiUrl: string }
  | { kind: 'plain'; apiUrl: string; gatewayUrl: string }
  | { kind: 'direct'; providerUrl: string }
  | { kind: 'insert'; apiUrl: string };
