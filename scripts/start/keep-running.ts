import type { Stopper } from './create-stopper.ts';
import type { OpenService, ServiceSpec } from './open-service.ts';

/** A process that dies more often than this within the span is not started again. */
const maxRestarts = 5;
const spanMs = 60_000;

/** Starts a service, and starts it again if it dies. Stops everything if it dies too often. */
export async function keepRunning(
  spec: ServiceSpec,
  open: (spec: ServiceSpec) => OpenService,
  stopper: Stopper,
  say: (line: string) => void,
): Promise<void> {
  if (stopper.stopping()) return;
  const deaths: number[] = [];
  let current = open(spec);
  stopper.onStop(spec.name, (signal) => current.stop(signal));
  await current.ready;

  async function watch(): Promise<void> {
    for (;;) {
      const code = await current.exited;
      if (stopper.stopping()) return;
      const now = performance.now();
      deaths.push(now);
      if (deaths.filter((at) => now - at < spanMs).length > maxRestarts)
        throw new Error(`died ${deaths.length} times, giving up. Its last lines:\n${current.lastLines().join('\n')}`);
      say(`${spec.name} died (${code === null ? 'killed by a signal' : `exit code ${code}`}): starting it again`);
      current = open(spec);
      await current.ready;
    }
  }
  watch().catch((error: unknown) => {
    if (stopper.stopping()) return;
    say(`${spec.name} ${error instanceof Error ? error.message : error}`);
    void stopper.stop(1);
  });
}
