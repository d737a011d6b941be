import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { root } from './read-options.ts';
import { type ServiceName, type ServicePlace, toUrl } from './service-places.ts';
import { showLogLine } from './show-log-line.ts';

export type OpenService = {
  name: string;
  pid: number;
  /** Resolves when `/readyz` says that it is ready. Rejects if it is not ready in time; by then the process is gone. */
  ready: Promise<void>;
  /** Resolves with the exit code when the process is gone; null after a signal. */
  exited: Promise<number | null>;
  /** The last lines it wrote. */
  lastLines(): string[];
  stop(signal?: NodeJS.Signals): Promise<void>;
};

export type ServiceSpec = {
  name: string;
  service: ServiceName;
  place: ServicePlace;
  env: Record<string, string>;
  print: (line: string, level: number) => void;
  /** How long it may take to stop before SIGKILL, in milliseconds. */
  stopLimitMs: number;
};

/**
 * Node's flags for a service, here and in the image. The young heap has 24 MB instead of 48. Under load a service uses a third less memory, and is
 * not measurably slower.
 */
export const serviceFlags = ['--max-semi-space-size=8'];

const readyLimitMs = 30_000;
const readyAnswerMs = 3_000;
const keptLines = 12;

/** Starts a service as a process, and prints its log lines with its name. `stop` works at once. */
export function openService({ name, service, place, env, print, stopLimitMs }: ServiceSpec): OpenService {
  const child = spawn(
    process.execPath,
    [...serviceFlags, '--import', './scripts/start/die-with-parent.mjs', `services/${service}/src/main.ts`],
    {
      cwd: root,
      env: { ...process.env, ...env, LOG_FORMAT: 'json', [`${service.toUpperCase()}_PORT`]: String(place.port) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const kept: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (text) => {
      const { level, shown } = showLogLine(text);
      kept.push(shown);
      if (kept.length > keptLines) kept.shift();
      print(`${styleText('cyan', name.padEnd(9))} ${shown}`, level);
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const opened: Omit<OpenService, 'ready'> = {
    name,
    pid: child.pid ?? 0,
    exited,
    lastLines: () => [...kept],
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      await exited;
      clearTimeout(timer);
    },
  };
  return { ...opened, ready: untilReady(opened, toUrl(place)) };
}

async function untilReady(service: Omit<OpenService, 'ready'>, url: string): Promise<void> {
  let gone = false;
  void service.exited.then(() => {
    gone = true;
  });
  for (const end = performance.now() + readyLimitMs; ; ) {
    if (gone) throw new Error(`${service.name} did not start:\n${service.lastLines().join('\n')}`);
    const ready = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(readyAnswerMs) }).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    if (performance.now() > end) {
      await service.stop('SIGKILL');
      throw new Error(
        `${service.name} is not ready after ${readyLimitMs / 1_000} s:\n${service.lastLines().join('\n')}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
