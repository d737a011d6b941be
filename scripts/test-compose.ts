import { spawnSync } from 'node:child_process';
import { runTests } from './test/run-tests.ts';

/**
 * What `npm run test:compose` runs: the compose file on a real container engine. NEXUS_ENGINE_UP names a program that brings one up
 * where none answers. Without an engine it says so and skips.
 */
function missing(): string | null {
  const engine = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { encoding: 'utf8' });
  if (engine.error) return 'there is no docker command';
  if (engine.status !== 0) return 'no container engine answers';
  const compose = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
  return compose.status === 0 ? null : 'docker has no compose plugin';
}

let problem = missing();
if (problem && process.env.NEXUS_ENGINE_UP) {
  console.log(`${problem}: bringing one up, about two minutes …`);
  spawnSync(process.env.NEXUS_ENGINE_UP, ['--no-test'], { stdio: 'inherit' });
  problem = missing();
}
if (problem) {
  console.log(`skipped: ${problem}, so the compose file was not tried`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}
// The compose file publishes on loopback alone, wherever the engine's own address may be.
process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';
process.exit(await runTests(process.argv.slice(2), 'tests/compose/vitest.config.ts'));
