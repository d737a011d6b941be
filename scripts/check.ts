import { spawnSync } from 'node:child_process';
import { root } from './start/read-options.ts';

const checks: [name: string, program: string, ...args: string[]][] = [
  ['lint', 'biome', 'check', '.'],
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['openapi', 'node', 'scripts/check-openapi.ts'],
  ['rooms', 'depcruise', '--config', 'dependency-cruiser.config.mjs', 'packages', 'services'],
];

/** Programs that are scripts find the project's own Node first in PATH. */
const env = { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` };

const failed = checks.filter(([, program, ...args]) => {
  const { status, stdout, stderr } = spawnSync(`${root}node_modules/.bin/${program}`, args, {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status !== 0;
});
console.log(
  failed.length === 0
    ? 'lint, types, rooms and the OpenAPI document are fine'
    : `failed: ${failed.map(([name]) => name).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
