import { createHash } from 'node:crypto';
import { type RedisSource, toCommonArguments } from './redis-source.ts';
import { isMissingProgram, runBounded } from './run-bounded.ts';

const engines = ['docker', 'podman'];
const image = 'docker.io/library/redis:7';
const answerLimitMs = 5_000;
const pullLimitMs = 300_000;

/**
 * Redis in a container of an engine that answers: on loopback alone, its data in a volume, itself removed when it stops. Rejects with why
 * there is none, in one line.
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
  say(`Redis: in a container of ${engine}, its data in a volume of it`);
  return {
    toCommand: ({ port, dataFolder, ...rest }) => ({
      program: engine,
      args: [
        ...['run', '--rm', '--name', toName(dataFolder), '--publish', `127.0.0.1:${port}:6379`],
        ...['--volume', `${toName(dataFolder)}:/data`, image],
        // Beyond its own loopback, which the engine forwards to; only our loopback leads there.
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

/** The same for each start on the folder, and no other's. */
function toName(dataFolder: string): string {
  return `agent-nexus-redis-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`;
}
