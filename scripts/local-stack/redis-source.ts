import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type RedisSettings = {
  dataFolder: string;
  appendOnly: boolean;
  /** On loopback. */
  port: number;
  flags: string[];
};

/** A way to run Redis. */
export type RedisSource = {
  /** The command that runs Redis in the foreground. SIGTERM stops it. */
  toCommand(settings: RedisSettings): { program: string; args: string[]; env: NodeJS.ProcessEnv };
  /** Stops what a killed earlier start may have left on this folder, other than a process. */
  endLeftover(dataFolder: string): Promise<void>;
};

export const minRedisVersion = 7;

/** A Redis that is a program of this system. */
export function fromProgram(program: string, env: NodeJS.ProcessEnv = process.env): RedisSource {
  return {
    toCommand: ({ port, dataFolder, ...rest }) => ({
      program,
      args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', dataFolder, ...toCommonArguments(rest)],
      env,
    }),
    endLeftover: async () => {},
  };
}

export function toCommonArguments({ appendOnly, flags }: Pick<RedisSettings, 'appendOnly' | 'flags'>): string[] {
  return [
    ...['--daemonize', 'no', '--save', '', '--appendonly', appendOnly ? 'yes' : 'no'],
    ...['--maxmemory-policy', 'noeviction', ...flags],
  ];
}

const versionLimitMs = 5_000;

/** The major version of a server; null if it does not run. */
export async function versionOf(program: string, env: NodeJS.ProcessEnv = process.env): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { env, timeout: versionLimitMs });
    return Number(/v=(\d+)/.exec(stdout)?.[1] ?? 0);
  } catch {
    return null;
  }
}
