export type Stopper = {
  /** Registers how something is stopped, at the moment it is opened; the newest stops first. */
  onStop(name: string, stop: (signal?: NodeJS.Signals) => unknown): void;
  /** Registers what is to be told at the moment that the stop begins. */
  onStopping(tell: () => void): void;
  stopping(): boolean;
  /** Stops everything and exits. */
  stop(code: number): Promise<void>;
};

const readerIsGone = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

/**
 * Ctrl-C, SIGTERM and the end of the terminal stop everything in order and exit 0, as does the next line that is said when whoever read them is gone;
 * a second Ctrl-C kills what still runs.
 */
export function createStopper(say: (line: string) => void): Stopper {
  const stops: { name: string; stop: (signal?: NodeJS.Signals) => unknown }[] = [];
  const tells: (() => void)[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    for (const tell of tells) {
      try {
        tell();
      } catch (error) {
        say(toText(error)); // the stop goes on
      }
    }
    for (let next = stops.at(-1); next; next = stops.at(-1)) {
      try {
        await next.stop();
      } catch (error) {
        say(`${next.name} did not stop: ${toText(error)}`);
      }
      stops.splice(stops.indexOf(next), 1); // not the last: more may have been opened meanwhile
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
      say(`${signal}: stopping everything, once answers under way are finished or handed back. Ctrl-C stops at once.`);
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
    onStopping: (tell) => void tells.push(tell),
    stopping: () => stopping !== undefined,
    stop,
  };
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
