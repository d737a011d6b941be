import { spawn } from 'node:child_process';

export type BoundedRun = {
  limitMs: number;
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
};

const keptCharacters = 200_000;
const killAfterMs = 2_000;

/**
 * Runs a program to its end and resolves with its output. Rejects if the program is missing, fails, takes longer than the limit or is aborted; the
 * error has a line of its output. By then the program has ended.
 */
export function runBounded(
  program: string,
  args: string[],
  { limitMs, signal, cwd, env }: BoundedRun,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
    let output = '';
    let complaint = '';
    child.stdout.on('data', (chunk) => {
      output = `${output}${chunk}`.slice(-keptCharacters);
    });
    child.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-keptCharacters);
    });
    const end = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
    };
    if (limit.aborted) end();
    limit.addEventListener('abort', end);
    const done = () => limit.removeEventListener('abort', end);
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('close', (code) => {
      done();
      if (signal.aborted) reject(new Error(`${program} was stopped`));
      else if (limit.aborted) reject(new Error(`${program} took longer than ${limitMs / 1_000} s`));
      else if (code === 0) resolve(output);
      else reject(new Error(wordsOf(complaint || output) || `${program} ended with exit code ${code}`));
    });
  });
}

/** Whether the program is not on this system. EACCES means that PATH has a folder that this user may not read. */
export function isMissingProgram(error: unknown): boolean {
  return ['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** The first line that reports an error, or the last line, without the credentials of any URL. */
function wordsOf(complaint: string): string {
  const lines = complaint
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => /^(E:|err|error)/i.test(each)) ?? lines.at(-1) ?? '';
  return line.replace(/^E: /, '').replaceAll(/\/\/[^/\s]*@/g, '//');
}
