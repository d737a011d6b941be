export type Stopper = {
  /** Registers how a part is stopped. Call it at the moment of opening. The newest stops first. */
  onStop(name: string, stop: (signal?: NodeJS.Signals) => unknown): void;
  /** Registers a function that is called when the stop begins. */
  onStopping(notify: () => void): void;
  stopping(): boolean;
  /** Stops everything and exits. */
  stop(code: number): Promise<void>;
};

const readerIsGone = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

/**
 * Ctrl-C, SIGTERM and the end of the terminal stop everything in order and exit 0. So does a line that cannot be written because its reader is gone.
 * A second Ctrl-C kills what still runs.
 */
export function createStopper(say: (line: string) => void): Stopper {
  const stops: { name: string; stop: (signal?: NodeJS.Signals) => unknown }[] = [];
  const listeners: (() => void)[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    for (const notify of listeners) {
      try {
        notify();
      } catch (error) {
        say(toText(error)); // the stop continues
      }
    }
    for (let next = stops.at(-1); next; next = stops.at(-1)) {
      try {
        await next.stop();
      } catch (error) {
        say(`${next.name} did not stop: ${toText(error)}`);
      }
      stops.splice(stops.indexOf(next), 1); // not simply the last one: a new one may have been registered meanwhile
    }
  }

  async function stop(code: number): Promise<void> {
    stopping ??= stopAll();
    await stopping;
    if (code === 0) say('Stopped.');
    process.exit(code);
  }

  function onSignal(signal: string): void {
    if (!stopping) {
      say(`${signal}: stopping. Workers first finish their answers or hand them back. Press Ctrl-C to stop at once.`);
      void stop(0);
    } else if (signal === 'SIGINT') {
      say('Stopping at once.');
      for (const each of stops) void each.stop('SIGKILL');
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal));
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== undefined && readerIsGone.has(code)) void stop(0);
    });
  }

  return {
    onStop: (name, how) => void stops.push({ name, stop: how }),
    onStopping: (notify) => void listeners.push(notify),
    stopping: () => stopping !== undefined,
    stop,
  };
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
