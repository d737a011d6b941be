import { fork } from 'node:child_process';
import { once } from 'node:events';
import { root } from '../../scripts/start/read-options.ts';

export type BenchProcess<Ready> = {
  pid: number;
  /** What the process sent when it was ready. */
  ready: Ready;
  /** Calls one of the functions that the process serves. Rejects with its error, or when the process ends. */
  call<Result>(method: string, params?: unknown): Promise<Result>;
  stop(): Promise<void>;
};

type Message = { ready: unknown } | { id: number; result: unknown } | { id: number; error: string };

const readyLimitMs = 30_000;
const stopLimitMs = 10_000;

/** A process of the benchmark, started with the flags of `npm start`. It answers through `serveCalls`. */
export async function openProcess<Ready = unknown>(
  name: string,
  file: string,
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
): Promise<BenchProcess<Ready>> {
  const child = fork(file, {
    cwd: root,
    env: { ...process.env, ...env },
    execArgv: ['--import', './scripts/start/die-with-parent.mjs', ...flags],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-4_000);
    });
  const ready = Promise.withResolvers<Ready>();
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  child.on('message', (message: Message) => {
    if ('ready' in message) return ready.resolve(message.ready as Ready);
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) call?.reject(new Error(`${name}: ${message.error}`));
    else call?.resolve(message.result);
  });
  const exited = once(child, 'exit').then(([code, signal]) => {
    const error = new Error(`${name} ended (${signal ?? `exit code ${code}`}):\n${output.trim()}`);
    for (const each of [ready, ...waiting.values()]) each.reject(error);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), readyLimitMs);
  ready.promise.finally(() => clearTimeout(timer)).catch(() => {});

  return {
    pid: child.pid ?? 0,
    ready: await ready.promise,
    call<Result>(method: string, params?: unknown) {
      calls += 1;
      const call = Promise.withResolvers<unknown>();
      waiting.set(calls, call);
      child.send({ id: calls, method, params }, (error) => error && call.reject(error));
      return call.promise as Promise<Result>;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      const killer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      await exited;
      clearTimeout(killer);
    },
  };
}
