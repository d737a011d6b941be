import { spawn } from 'node:child_process';
import { root } from '../../scripts/start/read-options.ts';

export type BenchProcess<Ready> = {
  name: string;
  pid: number;
  /** What it said when it was ready. */
  ready: Ready;
  /** Asks the process for one of the things it serves. Rejects with its error, or when it ends. */
  call<Result>(method: string, params?: unknown): Promise<Result>;
  stop(signal?: NodeJS.Signals): Promise<void>;
};

type Message = { ready: unknown } | { id: number; result: unknown } | { id: number; error: string };
type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

const readyLimitMs = 30_000;
const stopLimitMs = 10_000;

/** A process of the benchmark, started as `npm start` starts ours; it speaks through `serveCalls`. */
export async function openProcess<Ready = unknown>(
  name: string,
  file: string,
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
): Promise<BenchProcess<Ready>> {
  const child = spawn(process.execPath, ['--import', './scripts/start/die-with-parent.mjs', ...flags, file], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-4_000);
    });
  }
  const waiting = new Map<number, Waiting>();
  const ready = Promise.withResolvers<Ready>();
  const gone = Promise.withResolvers<void>();
  let calls = 0;

  child.on('message', (message: Message) => {
    if ('ready' in message) return ready.resolve(message.ready as Ready);
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) call?.reject(new Error(`${name}: ${message.error}`));
    else call?.resolve(message.result);
  });
  child.once('exit', (code, signal) => {
    const error = new Error(`${name} ended (${signal ?? `exit code ${code}`}):\n${output.trim()}`);
    ready.reject(error);
    for (const call of waiting.values()) call.reject(error);
    gone.resolve();
  });
  const timer = setTimeout(() => ready.reject(new Error(`${name} is not ready after 30 s:\n${output}`)), readyLimitMs);
  ready.promise.finally(() => clearTimeout(timer)).catch(() => child.kill('SIGKILL'));

  return {
    name,
    pid: child.pid ?? 0,
    ready: await ready.promise,
    call<Result>(method: string, params?: unknown) {
      calls += 1;
      const id = calls;
      return new Promise<Result>((resolve, reject) => {
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
        child.send({ id, method, params }, (error) => error && reject(error));
      });
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const killer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      await gone.promise;
      clearTimeout(killer);
    },
  };
}
