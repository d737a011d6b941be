import { spawnSync } from 'node:child_process';
import { findPromtool } from './check-rules/find-promtool.ts';
import { root } from './start/read-options.ts';

/** `npm run check:rules`: promtool checks Prometheus's configuration and rules, and runs the tests of the rules. */
const checks = [
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', 'recording-rules.yml', 'alert-rules.yml'],
  ['test', 'rules', 'alert-rules.test.yml'],
];

const promtool = await findPromtool(`${root}.nexus/promtool`, console.log).catch((error: Error) => {
  console.log(`skipped: ${error.message.trim()}`);
  return process.exit(0);
});
const failed = checks.filter((args) => {
  const { status } = spawnSync(promtool, args, { cwd: `${root}deploy/observability`, stdio: 'inherit' });
  return status !== 0;
});
console.log(failed.length === 0 ? 'rules are fine' : `failed: ${failed.map((args) => args.join(' ')).join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
