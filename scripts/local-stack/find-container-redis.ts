import { createHash } from 'node:crypto';
import { type RedisSource, toCommonArguments } from './redis-source.ts';
import { isMissingProgram, runBounded } from './run-bounded.ts';

const engines = ['docker', 'podman'];
const image = 'docker.io/library/redis:7';
const answerLimitMs = 5_000;
const pullLimitMs = 300_000;

/**
 * Redis in a container of Docker or Podman. It listens on loopback only, has its data in a volume, and is removed when it stops. Rejects with a
 * reason in one line if no engine answers.
 */
export async function findContainerRedis(options: {
  say: (line: string) => void;
  signal: AbortSignal;
}): Promise<RedisSource> {
  const { say, signal } = options;
  const engine = await findEngine(signal);
  const isThere = await runBounded(engine, ['image', 'inspect', image], { limitMs: answerLimitMs, signal }).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    say(`Redis: ${engine} fetches the image ${image} …`);
    await runBounded(engine, ['pull', '-q', image], { limitMs: pullLimitMs, signal });
  }
  say(`Redis: runs in a ${engine} container, with its data in a volume`);
  return {
    toCommand: ({ port, dataFolder, ...rest }) => ({
      program: engine,
      args: [
        ...['run', '--rm', '--name', toName(dataFolder), '--publish', `127.0.0.1:${port}:6379`],
        ...['--volume', `${toName(dataFolder)}:/data`, image],
        // The engine forwards to the container's own address, not to its loopback. Only this machine's loopback leads to it.
        ...['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', ...toCommonArguments(rest)],
      ],
      env: process.env,
    }),
    async endLeftover(dataFolder) {
      await runBounded(engine, ['rm', '--force', toName(dataFolder)], { limitMs: pullLimitMs, signal }).catch(() => {});
    },
  };
}

async function findEngine(signal: AbortSignal): Promise<string> {
  const reasons: string[] = [];
  for (const engine of engines) {
    try {
      await runBounded(engine, ['info'], { limitMs: answerLimitMs, signal });
      return engine;
    } catch (error) {
      if (!isMissingProgram(error)) reasons.push(`${engine} does not answer`);
    }
  }
  throw new Error(reasons.join(', ') || `there is neither ${engines.join(' nor ')}`);
}

/** Every start on this folder gets the same name, and no other folder has it. */
function toName(dataFolder: string): string {
  return `agent-nexus-redis-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`;
}
