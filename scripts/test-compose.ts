import { spawnSync } from 'node:child_process';
import { runTests } from './test/run-tests.ts';

/**
 * What `npm run test:compose` runs: the compose file on a real container engine. NEXUS_ENGINE_UP is a command that brings one up
 * where none answers, NEXUS_ENGINE_DOWN the one that then takes it down again. Without an engine it says so and skips.
 */
function missing(): string | null {
  const engine = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { encoding: 'utf8' });
  if (engine.error) return 'there is no docker command';
  if (engine.status !== 0) return 'no container engine answers';
  const compose = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
  return compose.status === 0 ? null : 'docker has no compose plugin';
}

/** Bringing one up builds images in places; past this it is not coming. */
const engineLimitMs = 600_000;
const shell = (command: string) => spawnSync(command, { shell: true, stdio: 'inherit', timeout: engineLimitMs });

const { NEXUS_ENGINE_UP, NEXUS_ENGINE_DOWN } = process.env;
let problem = missing();
const bringsUp = problem !== null && Boolean(NEXUS_ENGINE_UP);
if (bringsUp) {
  console.log(`${problem}: bringing one up, about two minutes …`);
  shell(NEXUS_ENGINE_UP ?? '');
  problem = missing();
}
let exitCode = 0;
if (problem) {
  console.log(`skipped: ${problem}, so the compose file was not tried`);
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  // The compose file publishes on loopback alone, wherever the engine's own address may be.
  process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';
  exitCode = await runTests(process.argv.slice(2), 'tests/compose/vitest.config.ts');
}
if (bringsUp && NEXUS_ENGINE_DOWN) shell(NEXUS_ENGINE_DOWN);
process.exit(exitCode);
