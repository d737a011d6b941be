import type { Stopper } from './create-stopper.ts';
import type { OpenService, ServiceSpec } from './open-service.ts';

/** A process that dies more often than this within the span is not started again. */
const mostRestarts = 5;
const spanMs = 60_000;

/** Starts a service and, should it die, starts it again, saying so; gives everything up when it keeps dying. */
export async function keepRunning(
  spec: ServiceSpec,
  open: (spec: ServiceSpec) => OpenService,
  stopper: Stopper,
  say: (line: string) => void,
): Promise<void> {
  if (stopper.stopping()) return; // nothing is begun any more
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
      if (deaths.filter((at) => now - at < spanMs).length > mostRestarts)
        throw new Error(`keeps dying:\n${current.lastLines().join('\n')}`);
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
