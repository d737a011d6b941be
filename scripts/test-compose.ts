import { spawnSync } from 'node:child_process';
import { runTests } from './test/run-tests.ts';

/**
 * `npm run test:compose`: tests the compose file on a real container engine. If no engine answers, NEXUS_ENGINE_UP is a command that starts one,
 * and NEXUS_ENGINE_DOWN the command that stops it again. Without an engine the tests are skipped, with a line that says so.
 */
function missing(): string | null {
  const engine = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { encoding: 'utf8' });
  if (engine.error) return 'there is no docker command';
  if (engine.status !== 0) return 'no container engine answers';
  const compose = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
  return compose.status === 0 ? null : 'docker has no compose plugin';
}

/** A start may build images. After this time it has failed. */
const engineLimitMs = 600_000;
const shell = (command: string) => spawnSync(command, { shell: true, stdio: 'inherit', timeout: engineLimitMs });

const { NEXUS_ENGINE_UP, NEXUS_ENGINE_DOWN } = process.env;
let problem = missing();
const bringsUp = problem !== null && Boolean(NEXUS_ENGINE_UP);
if (bringsUp) {
  console.log(`${problem}: starting one, about two minutes …`);
  shell(NEXUS_ENGINE_UP ?? '');
  problem = missing();
}
let exitCode = 0;
if (problem) {
  console.log(`skipped: ${problem}, so the compose file was not tested`);
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  // The compose file publishes on loopback only, also if the engine has another address.
  process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';
  exitCode = await runTests(process.argv.slice(2), 'tests/compose/vitest.config.ts');
}
if (bringsUp && NEXUS_ENGINE_DOWN) shell(NEXUS_ENGINE_DOWN);
process.exit(exitCode);
