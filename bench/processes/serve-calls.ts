type Call = { id: number; method: string; params: unknown };
type Served = Record<string, (params: never) => unknown>;

/** The other side of `openProcess`: sends `ready`, then answers calls until a signal ends the process. */
export function serveCalls(ready: unknown, served: Served = {}): void {
  process.on('message', async ({ id, method, params }: Call) => {
    try {
      const answer = served[method] as ((params: unknown) => unknown) | undefined;
      if (!answer) throw new Error(`nothing here answers ${method}`);
      process.send?.({ id, result: await answer(params) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  process.channel?.ref(); // keep the process alive while it waits for calls
  process.send?.({ ready });
}
