import { spawnSync } from 'node:child_process';
import { root } from './start/read-options.ts';

const checks: [name: string, program: string, ...args: string[]][] = [
  ['lint', 'biome', 'check', '.'],
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
];

const failed = checks.filter(([, program, ...args]) => {
  const { status } = spawnSync(`${root}node_modules/.bin/${program}`, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status !== 0;
});
console.log(failed.length === 0 ? 'lint and types are fine' : `failed: ${failed.map(([name]) => name).join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
