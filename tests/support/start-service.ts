import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serviceFlags } from '../../scripts/start/open-service.ts';
import { waitUntil } from './wait-until.ts';

export type ServiceName = 'api' | 'worker' | 'gateway';

export type RunningService = {
  pid: number;
  /** The URL of its HTTP port, with /livez, /readyz and /metrics. */
  url: string;
  /** Its log so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Sends the signal and resolves when the process has ended. */
  stop(name?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const stopLimitMs = 40_000;
/** Matches the message too: other log lines also name ports, such as that of Redis. */
const listening = /"port":(\d+)[^\n]*"msg":"\w+ (?:listens|serves health)"/;

/** For tests alone: no service has it otherwise. */
export const testSecret = 'a secret that only tests have: long enough';

/** A service as the process it is in production, on a port of its own, ready to be used. */
export async function startService(name: ServiceName, env: Record<string, string>): Promise<RunningService> {
  const portVariable = `${name.toUpperCase()}_PORT`;
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(
    process.execPath,
    [...serviceFlags, '--import', './scripts/start/die-with-parent.mjs', `services/${name}/src/main.ts`],
    {
      cwd: root,
      env: {
        PATH,
        NODE_COMPILE_CACHE,
        NODE_ENV: 'test',
        NEXUS_AUTH: 'off',
        NEXUS_SECRETS: testSecret,
        LOG_LEVEL: 'info',
        [portVariable]: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-400_000);
    });
  }
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const port = await waitUntil(
    () => {
      if (child.exitCode !== null) throw new Error(`${name} exited with ${child.exitCode}:\n${output}`);
      return listening.exec(output)?.[1];
    },
    { what: `${name} to listen`, timeoutMs: 20_000, everyMs: 20 },
  ).catch(async (error: unknown) => {
    child.kill('SIGKILL'); // the caller has no handle yet to stop it
    await exited;
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    signal: (which) => void child.kill(which),
    stop: (which = 'SIGTERM') => stop(child, which, exited),
    exited,
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals, exited: RunningService['exited']) {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGCONT'); // a paused process would not react to the other signal
    child.kill(signal);
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  return exited.finally(() => clearTimeout(timer));
}
